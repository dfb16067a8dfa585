"""The only SQL: tables, and one file per family of rows, for SQLite and PostgreSQL alike."""
