"""The clauses, one file per domain of the contract."""
