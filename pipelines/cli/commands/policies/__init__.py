"""Commands on policies that people save: versions, differences, import, export, rollback."""
