"""What archmig promises where a kind of database permits it; docs/safety.md has the table."""

from __future__ import annotations

from enum import Enum


class Capability(Enum):
    """A promise that not every kind of database can keep."""

    MAKES = "A database that does not exist is created, and removed by `env drop`"
    WHOLE = "A run is one transaction, with all of its changes of the schema"
    GUARDED = "A revision cannot end the transaction, open another database or leave something that acts later"
    COLUMNS = "Each write of a revision is known by table and column, those of triggers included"
    BACKUP = "A backup is a file that other programs can open, compared with the database value by value"
    UNDO = "`undo` and `backup restore` replace the whole content in one transaction"
    COPIES = "`rehearse`, `verify` and `rollback` work on a copy of the database"
    LOCAL = "The chain is replayed without a server"
    IN_PLACE = "A constraint is added, changed or dropped without a rebuild of its table"
    WRITERS = "The application can write to other tables during a run"
