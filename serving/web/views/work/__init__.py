"""What the pages of a day's work show: My day, the list of accounts, the status of an account, priorities in words."""
