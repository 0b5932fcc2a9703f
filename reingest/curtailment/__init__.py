"""What the figures mean: definitions, payments, mining, totals and differences. Pure; no I/O at all."""
