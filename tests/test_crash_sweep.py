"""The main job survives a death at any await: a short sweep; the long one is a command."""

from tests.crash_sweep import sweep
from tests.postgres import PostgresServer


async def test_the_main_job_ends_well_though_the_bot_dies_on_the_way() -> None:
    """Once or not at all, and everybody can see which; the history has no gap."""
    deaths = await sweep(runs=8, seed=20261120)
    assert all(death.ending.is_good for death in deaths)


async def test_another_bot_finishes_what_a_dead_one_began(postgres: PostgresServer) -> None:
    """The same on PostgreSQL with two bots, of which one dies."""
    deaths = await sweep(runs=4, seed=20261120, new_database=postgres.new_database)
    assert any(death.died for death in deaths)
    assert all(death.ending.is_good for death in deaths)
