"""The operator's policy file (TOML): who may ask and approve, how many, until when.

[policy]
approvers = ["S0APPROVERS"]

[[policy.rules]]
min_seats = 100
approvals = 2
"""

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.domain.policy import CHANNEL, Confirm, Evidence, Names, Policy, PolicyBook, Rule
from bot.partner_center import is_guid

APPROVERS_MISSING = (
    'says nobody who may approve. Write for example: approvers = ["S0APPROVERS"] under [policy], '
    'with the id of a user group, ids of users, or the word "channel" for the full members of '
    "the channel"
)


class PolicyProblem(Exception):
    """The policy file cannot be used; the message says why and what to write."""


def _names(value: Any) -> Any:
    names = (value,) if isinstance(value, str) else value
    for name in names if isinstance(names, list | tuple) else ():
        if name != CHANNEL and not re.fullmatch(r"[SUW][A-Z0-9]{2,}", str(name)):
            raise ValueError(
                f"{name!r} is neither a user group (S…), a user (U…, W…) nor the word {CHANNEL!r}"
            )
    return names


def _channels(ids: Names) -> Names:
    for each in ids:
        if not re.fullmatch(r"[CG][A-Z0-9]{2,}", each):
            raise ValueError(f"{each!r} is not the id of a channel (C… or G…)")
    return ids


def _customers(ids: Names) -> Names:
    for each in ids:
        if not is_guid(each):
            raise ValueError(f"{each!r} is not a tenant id")
    return ids


def _duration(value: Any) -> Any:
    match = re.fullmatch(r"(\d+)\s*([mhd])", value) if isinstance(value, str) else None
    if not match or int(match[1]) == 0:
        raise ValueError('write a length of time such as "90m", "24h" or "7d"')
    unit = {"m": "minutes", "h": "hours", "d": "days"}[match[2]]
    return timedelta(**{unit: int(match[1])})


NamesField = Annotated[Names, BeforeValidator(_names)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Rule(_Section):
    min_seats: int = Field(default=0, ge=0)
    channels: Annotated[Names, AfterValidator(_channels)] = ()
    customers: Annotated[Names, AfterValidator(_customers)] = ()
    approvals: int | None = Field(default=None, ge=0)
    approvers: NamesField | None = None
    requesters: NamesField | None = None
    confirm: Confirm | None = None
    expires_after: Duration | None = None
    remind_after: Duration | None = None
    evidence: Evidence | None = None
    banner: str = Field(default="", max_length=200)
    failures_allowed: int | None = Field(default=None, ge=0)


class _Policy(_Section):
    approvals: int = Field(default=1, ge=0)
    approvers: NamesField = ()
    requesters: NamesField = (CHANNEL,)
    confirm: Confirm = Confirm.REQUESTER
    expires_after: Duration = timedelta(hours=24)
    remind_after: Duration = timedelta(hours=2)
    evidence: Evidence = Evidence.OPTIONAL
    failures_allowed: int = Field(default=0, ge=0)
    rules: tuple[_Rule, ...] = ()


class _File(_Section):
    policy: _Policy


def read(path: Path) -> PolicyBook:
    """The policies in the file. Raises PolicyProblem, which names every problem at once."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyProblem(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyProblem(f"{path} is not TOML: {error}") from error
    try:
        policy = _File.model_validate(data).policy
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise PolicyProblem(f"{path}: " + "; ".join(lines)) from error
    if not policy.approvers:
        raise PolicyProblem(f"{path} {APPROVERS_MISSING}")
    defaults = Policy(
        approvals=policy.approvals,
        approvers=(policy.approvers,),
        requesters=(policy.requesters,),
        confirm=policy.confirm,
        expires_after=policy.expires_after,
        remind_after=policy.remind_after,
        evidence=policy.evidence,
        failures_allowed=policy.failures_allowed,
    )
    return PolicyBook(defaults, tuple(Rule(**dict(rule)) for rule in policy.rules))
