"""What becomes of trained adapters: the registry in the ledger, their cards, exports."""
