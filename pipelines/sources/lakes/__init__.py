"""Tables of a lakehouse (Delta Lake, Iceberg): folders of files of which only a log says which are valid."""
