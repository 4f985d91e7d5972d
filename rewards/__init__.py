"""What it is worth and what was paid: prices, budgets, accounts, transfers. Knows users and budgets, nothing else."""
