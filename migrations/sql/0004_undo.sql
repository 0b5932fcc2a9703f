-- Undo, purges and resets: numbers are never used twice, published rows stay.
select 1;
