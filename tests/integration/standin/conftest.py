from tests.fixtures.standin import stand_in

__all__ = ["stand_in"]
