"""What is configured, read from the environment. Every problem is named at once, with the fix.

Secrets are `SecretStr`, so that no repr, log or error shows them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import platformdirs
from cryptography.fernet import Fernet
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from bot.config import policy_file, price_list
from bot.domain.policy import PolicyBook
from bot.domain.price import PriceList
from bot.partner_center import Cloud

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


SHORTEST_SECRET = 8
"""Slack's are 32 characters long; a blank or guessable one would let anybody in."""


class SettingsProblem(Exception):
    """The settings cannot be used. `problems` has one line each: the variable, what is wrong,
    and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _token(prefix: str, where: str) -> BeforeValidator:
    def check(value: str) -> str:
        if not value.startswith(prefix):
            raise ValueError(f"does not begin with {prefix}. Copy it from {where}")
        return value

    return BeforeValidator(check)


def _signing_secret(value: str) -> str:
    if len(value) < SHORTEST_SECRET:
        raise ValueError("is too short to be one. Copy it from Basic Information")
    return value


def _address(value: str) -> str:
    """`https`, or `http` to this machine; without a trailing slash."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no address. Write one such as https://example.com")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("is plain http. Use https; http is only for this machine itself")
    return value.rstrip("/")


def _api_address(value: str) -> str:
    """Without `/v1`, which the bot appends itself."""
    return value.removesuffix("/v1")


def _secure_address(value: str) -> str:
    if not value.startswith("https://"):
        raise ValueError("is not https, which Microsoft's sign-in library insists on. Use https")
    return value


def _host_and_port(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("is not host:port. Write for example 127.0.0.1:3000")
    return host.strip("[]"), int(port)


def _fernet_key(value: str) -> str:
    try:
        Fernet(value)
    except ValueError:
        raise ValueError(f"is no key. {NEW_KEY}") from None
    return value


def _database(value: str) -> str:
    if value.startswith("postgres://"):  # what some hosts call it
        value = value.replace("postgres://", "postgresql://", 1)
    if value == "sqlite:///" or not value.startswith(("sqlite:///", "postgresql://")):
        raise ValueError("is neither sqlite:///path nor postgresql://user:password@host/name")
    return value


def _prices(path: str) -> PriceList:
    try:
        return price_list.read(Path(path))
    except price_list.PriceListProblem as problem:
        raise ValueError(f"cannot be used: {problem}") from None


def _default_database() -> SecretStr:
    path = Path(platformdirs.user_data_dir("upgrade-bot")) / "upgrade-bot.db"
    return SecretStr(f"sqlite:///{path}")


NEW_KEY = (
    "Make one with: python3 -c 'import base64, os; "
    "print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
)

Address = Annotated[str, AfterValidator(_address)]


class Settings(BaseModel):
    """The variables of the README's table, by the same names in lower case."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    slack_bot_token: Annotated[
        SecretStr, _token("xoxb-", "OAuth & Permissions in the app's settings at Slack")
    ]
    slack_app_token: (
        Annotated[
            SecretStr, _token("xapp-", "Basic Information > App-Level Tokens in the app's settings")
        ]
        | None
    ) = None
    slack_signing_secret: Annotated[SecretStr, BeforeValidator(_signing_secret)] | None = None
    slack_api_url: Address = "https://slack.com/api"

    partner_center_cloud: Cloud = Cloud.GLOBAL
    partner_center_tenant_id: str
    partner_center_client_id: str
    partner_center_client_secret: SecretStr | None = None
    partner_center_certificate: Path | None = None
    partner_center_auth: Annotated[str, Field(pattern="^(app_user|app_only)$")] = "app_user"
    partner_center_refresh_token: SecretStr | None = None
    partner_center_api_url: Annotated[Address, AfterValidator(_api_address)] | None = None
    partner_center_login_url: Annotated[Address, AfterValidator(_secure_address)] | None = None

    upgrade_bot_database_url: Annotated[SecretStr, BeforeValidator(_database)] = Field(
        default_factory=_default_database
    )
    upgrade_bot_policy: Path
    upgrade_bot_prices: Annotated[PriceList, BeforeValidator(_prices)] = PriceList()
    upgrade_bot_language: Annotated[str, Field(pattern="^(en|zh-TW|zh-CN)$")] = "en"
    upgrade_bot_secret_key: Annotated[SecretStr, BeforeValidator(_fernet_key)] | None = None
    upgrade_bot_connect_seconds: float = Field(default=5, gt=0)
    upgrade_bot_read_seconds: float = Field(default=30, gt=0)
    upgrade_bot_write_seconds: float = Field(default=180, gt=0)
    upgrade_bot_take_over_seconds: float = Field(default=30, ge=1)
    upgrade_bot_http: Annotated[tuple[str, int], BeforeValidator(_host_and_port)] = (
        "127.0.0.1",
        3000,
    )
    upgrade_bot_sockets: int = Field(default=2, ge=1, le=10)
    upgrade_bot_people_days: int | None = Field(default=None, ge=1)
    upgrade_bot_log: Annotated[str, Field(pattern="^(console|json)$")] = "console"

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is reached by Socket Mode; otherwise Slack calls us over HTTP."""
        return self.slack_app_token is not None


FIXES = {
    "SLACK_BOT_TOKEN": "Copy the xoxb- token from OAuth & Permissions in the app's settings at Slack",
    "PARTNER_CENTER_TENANT_ID": "Set it to your partner tenant's id, a GUID, from the Entra admin centre",
    "PARTNER_CENTER_CLIENT_ID": "Set it to the application id of your app registration",
    "UPGRADE_BOT_POLICY": (
        "Set it to the path of a policy file with at least: [policy] and, below it, "
        'approvers = ["S0APPROVERS"]'
    ),
    "PARTNER_CENTER_AUTH": "Write app_user or app_only",
    "PARTNER_CENTER_CLOUD": "Write global, china or us_government",
    "UPGRADE_BOT_LANGUAGE": "Write en, zh-TW or zh-CN",
    "UPGRADE_BOT_LOG": "Write console or json",
    "UPGRADE_BOT_SOCKETS": "Write a number from 1 to 10; Slack allows 10 for all bots together",
    "UPGRADE_BOT_PEOPLE_DAYS": "Write a number of days, such as 730, or leave it out",
    "UPGRADE_BOT_CONNECT_SECONDS": "Write a number of seconds, such as 5",
    "UPGRADE_BOT_READ_SECONDS": "Write a number of seconds, such as 30",
    "UPGRADE_BOT_WRITE_SECONDS": "Write a number of seconds, such as 180",
    "UPGRADE_BOT_TAKE_OVER_SECONDS": "Write a number of seconds, 1 at least, such as 30",
}


def load(environment: Mapping[str, str]) -> tuple[Settings, PolicyBook]:
    """The settings and the policy that the environment names. Raises SettingsProblem."""
    given = {key.lower(): value for key, value in environment.items() if value.strip()}
    problems: list[str] = []
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        problems += [_line(dict(each)) for each in error.errors(include_input=False)]
    problems += _what_is_missing(given)
    problems += _what_is_only_practice(given)
    policies: PolicyBook | None = None
    if "upgrade_bot_policy" in given:
        try:
            policies = policy_file.read(Path(given["upgrade_bot_policy"]))
        except policy_file.PolicyProblem as problem:
            problems.append(f"UPGRADE_BOT_POLICY: {problem}")
    if settings is None or policies is None or problems:
        raise SettingsProblem(list(dict.fromkeys(problems)))
    return settings, policies


def database_url(environment: Mapping[str, str]) -> str:
    """The database that the environment names, for whoever needs nothing else. Raises
    SettingsProblem."""
    given = environment.get("UPGRADE_BOT_DATABASE_URL", "").strip()
    try:
        return _database(given) if given else _default_database().get_secret_value()
    except ValueError as error:
        raise SettingsProblem([f"UPGRADE_BOT_DATABASE_URL {error}."]) from None


def _line(error: dict[str, Any]) -> str:
    variable = str(error["loc"][0]).upper()
    if error["type"] == "missing":
        return f"{variable} is not set. {FIXES[variable]}."
    if error["type"] == "value_error":
        return f"{variable} {error['ctx']['error']}."
    return f"{variable} is not understood. {FIXES.get(variable, str(error['msg']))}."


def _what_is_missing(given: Mapping[str, str]) -> list[str]:
    """What is needed only together with something else."""
    problems = []
    if "slack_app_token" not in given and "slack_signing_secret" not in given:
        problems.append(
            "SLACK_APP_TOKEN is not set. Copy the xapp- token (scope connections:write) from Basic "
            "Information for Socket Mode, or set SLACK_SIGNING_SECRET for HTTP mode."
        )
    if "ssl_cert_file" in given and not Path(given["ssl_cert_file"]).is_file():
        problems.append("SSL_CERT_FILE: there is no such file. Correct the path.")
    return problems + _what_is_missing_for_partner_center(given)


def _what_is_missing_for_partner_center(given: Mapping[str, str]) -> list[str]:
    problems = []
    secret, certificate = "partner_center_client_secret", "partner_center_certificate"
    if secret not in given and certificate not in given:
        problems.append(
            "PARTNER_CENTER_CLIENT_SECRET is not set. Make a client secret in the app registration, "
            "or set PARTNER_CENTER_CERTIFICATE to a PEM file with certificate and private key."
        )
    if certificate in given:
        problems += _what_is_wrong_with_the_certificate(Path(given[certificate]))
    user = given.get("partner_center_auth", "app_user") == "app_user"
    tokens = ("partner_center_refresh_token", "upgrade_bot_secret_key")
    if user and not any(token in given for token in tokens):
        problems.append(
            "PARTNER_CENTER_REFRESH_TOKEN is not set. Set it to the refresh token of your secure "
            "application model consent; or set UPGRADE_BOT_SECRET_KEY and run `upgrade-bot login` "
            "once; or set PARTNER_CENTER_AUTH=app_only (which cannot transfer licences)."
        )
    return problems


def _what_is_only_practice(given: Mapping[str, str]) -> list[str]:
    """A practice workspace beside the real thing: a practised click would buy for real, or a real
    card would say that something was bought."""
    sides = (
        ("SLACK_BOT_TOKEN", "xoxb-practice-", "PARTNER_CENTER_API_URL", "Partner Center"),
        ("PARTNER_CENTER_CLIENT_SECRET", "practice-", "SLACK_API_URL", "Slack"),
    )
    return [
        f"{secret} is of a practice workspace, but {other} would be the real one. Practise with "
        "`upgrade-bot demo`, or set all the variables of the real workspace."
        for secret, mark, address, other in sides
        if given.get(secret.lower(), "").startswith(mark)
        and urlsplit(given.get(address.lower(), "")).hostname not in LOOPBACK
    ]


def _what_is_wrong_with_the_certificate(path: Path) -> list[str]:
    # Four megabytes that a bot without a certificate does not need.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    try:
        pem = path.read_bytes()
    except OSError:
        return ["PARTNER_CENTER_CERTIFICATE cannot be read. Correct the path to a PEM file."]
    try:
        load_pem_x509_certificate(pem)
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        return [
            "PARTNER_CENTER_CERTIFICATE lacks the certificate or its private key, or the key has a "
            "password. Put both into one PEM file, the key without a password."
        ]
    if not isinstance(key, RSAPrivateKey):
        return ["PARTNER_CENTER_CERTIFICATE has no RSA key, which Microsoft wants. Make one."]
    return []
