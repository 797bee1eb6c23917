"""What becomes of the SQL rows of each service: one small file of data and pure functions for each."""
