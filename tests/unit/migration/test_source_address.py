"""What `DATABASE_URL` may say, and that nothing ever repeats its password."""

import pytest

from lambda_src.migration.errors import BadUsage
from lambda_src.migration.source.address import Address


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql", "mysql+aiomysql", "mysql+mysqldb", "mariadb"])
def test_every_spelling_of_mysql_is_read_with_our_driver(scheme):
    address = Address.parse(f"{scheme}://u:p@db.example:3307/app")
    assert (address.dialect, address.url.drivername, address.url.port) == ("mysql", "mysql+pymysql", 3307)


@pytest.mark.parametrize(
    "scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"]
)
def test_every_spelling_of_postgresql_is_read_with_our_driver(scheme):
    address = Address.parse(f"{scheme}://u:p@db.example/app")
    assert (address.dialect, address.url.drivername) == ("postgresql", "postgresql+psycopg")


def test_a_file_of_sqlite_is_an_address():
    assert str(Address.parse("sqlite:////srv/yoto.db")) == "sqlite, file /srv/yoto.db"
    assert str(Address.parse("sqlite+aiosqlite:///yoto.db")) == "sqlite, file yoto.db"


def test_an_address_as_text_names_everything_but_the_password():
    address = Address.parse("mysql://reader:s3cret@db.example:3306/app")
    assert str(address) == "mysql at db.example:3306, database app, user reader"
    assert "s3cret" not in repr(address)


def test_a_password_may_hold_any_character_when_it_is_escaped():
    address = Address.parse("postgres://u:a%40b%3Ac%2Fd%25@h/app")
    assert address.url.password == "a@b:c/d%"
    assert str(address) == "postgresql at h, database app, user u"


@pytest.mark.parametrize(
    "text",
    [
        "mysql://u:hidden@buried@host/app",
        "mysql://u:hidden@bur:ied@host/app",
        "mysql://u:hidden@bur/ied@host/app",
        "mysql://u:hidden@bur:12/ied@host/app",
        "mysql://u:hidden@[buried@host/app",
        "u:hidden@buried",
        "://u:hidden@buried/app",
        "oracle://u:hidden@buried/app",
        "mysql://u:hidden@buried",
        "mysql://u:hidden@h/app?nix=hidden",
    ],
)
def test_a_bad_address_is_refused_without_repeating_the_password(text):
    with pytest.raises(BadUsage) as refusal:
        Address.parse(text)
    assert not any(part in str(refusal.value) for part in ("hidden", "bur", "ied"))
    assert refusal.value.exit_code == 2
    chain = refusal.value
    assert chain.__cause__ is None
    assert chain.__suppress_context__ or chain.__context__ is None


def test_half_a_password_is_never_taken_for_a_host():
    with pytest.raises(BadUsage, match="more than one @") as refusal:
        Address.parse("mysql://u:p@buried@host/app")
    assert "buried" not in str(refusal.value)


def test_the_charset_of_another_driver_is_decided_here():
    assert dict(Address.parse("mysql://u:p@h/app?charset=latin1&ssl_ca=/ca.pem").url.query) == {"ssl_ca": "/ca.pem"}


def test_asyncpg_s_word_for_tls_is_understood():
    assert dict(Address.parse("postgresql+asyncpg://u:p@h/app?ssl=require").url.query) == {"sslmode": "require"}


def test_an_unknown_parameter_is_named_with_those_that_are_known():
    with pytest.raises(BadUsage, match=r"not known: ssl-mode\. Known: .*ssl_ca"):
        Address.parse("mysql://u:p@h/app?ssl-mode=REQUIRED")


@pytest.mark.parametrize("environment", [{}, {"DATABASE_URL": ""}, {"DATABASE_URL": "  "}])
def test_without_the_variable_the_refusal_shows_how_to_set_it(environment):
    with pytest.raises(BadUsage, match="export DATABASE_URL=mysql://"):
        Address.from_environment(environment)


def test_the_address_comes_from_the_variable():
    assert Address.from_environment({"DATABASE_URL": " mysql://u@h/app\n"}).url.database == "app"


def test_a_text_of_a_driver_loses_the_password_it_repeats():
    address = Address.parse("mysql://u:s3cret@h/app")
    assert address.without_password("access denied with s3cret") == "access denied with ***"
    assert Address.parse("mysql://u@h/app").without_password("access denied") == "access denied"
