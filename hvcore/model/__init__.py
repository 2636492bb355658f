"""The values of the contract: frozen, typed, with units in their names. Import them from their modules."""
