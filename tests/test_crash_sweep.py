"""The main job survives a death at any await: a short sweep; the long one is a command."""

from tests.crash_sweep import sweep


async def test_the_main_job_ends_well_though_the_bot_dies_on_the_way() -> None:
    """Once or not at all, and everybody can see which; the history has no gap."""
    endings = await sweep(runs=8, seed=20261120)
    assert all(ending.is_good for _, ending in endings)
