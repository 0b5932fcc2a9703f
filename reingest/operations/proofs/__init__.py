"""Proofs: small files that tell what a version says and was made from, checked without the database."""
