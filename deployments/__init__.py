"""How Reingest is deployed: Prefect's settings and database, the deployment itself, and `make up`.

These are programs of the checkout, not of the package: they start and register the flows, which stand beside them.
"""
