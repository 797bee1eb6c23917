import pytest

from cdk_app.local.env_file import read_env_file
from cdk_app.local.layout import LocalCloudError

KNOWN = ("YOUTUBE_API_KEY", "GEMINI_API_KEY")


@pytest.fixture
def env_file(tmp_path):
    return tmp_path / ".env"


def refusal(env_file, text: str) -> str:
    env_file.write_text(text, encoding="utf-8")
    with pytest.raises(LocalCloudError) as refused:
        read_env_file(env_file, KNOWN)
    return str(refused.value)


def test_without_a_file_nothing_is_set(env_file):
    assert read_env_file(env_file, KNOWN) == {}


def test_names_comments_quotes_and_exports_are_read_as_a_shell_reads_them(env_file):
    env_file.write_text("\ufeffYOUTUBE_API_KEY = one \r\n# note\n\nexport GEMINI_API_KEY='t w o'\n", encoding="utf-8")
    assert read_env_file(env_file, KNOWN) == {"YOUTUBE_API_KEY": "one", "GEMINI_API_KEY": "t w o"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("YOUTUBE_KEY=canary", "line 2 has an unknown name; YOUTUBE_API_KEY is meant?"),
        ("gemini_api_key=canary", "line 2 has an unknown name; GEMINI_API_KEY is meant?"),
        ("AWS_PROFILE=canary", "line 2 has an unknown name"),
        ("canary==", "line 2 has an unknown name"),
        ("canary", "line 2 is not NAME=value, or does not close a quote"),
        ("GEMINI_API_KEY: canary", "line 2 is not NAME=value, or does not close a quote"),
        ("GEMINI_API_KEY canary", "line 2 is not NAME=value, or does not close a quote"),
        ("GEMINI_API_KEY='canary", "line 2 is not NAME=value, or does not close a quote"),
        ("=canary", "line 2 is not NAME=value, or does not close a quote"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named_and_not_shown(env_file, line, said):
    text = refusal(env_file, f"YOUTUBE_API_KEY=right-key\n{line}\n")
    assert text.splitlines() == [
        f"{env_file} is not right:",
        f"  {said}",
        "It may hold: YOUTUBE_API_KEY, GEMINI_API_KEY",
    ]


def test_every_wrong_line_is_named(env_file):
    text = refusal(env_file, "# keys\n\nA=1\nYOUTUBE_API_KEY=x\nB 2\n")
    assert [line.split()[1] for line in text.splitlines()[1:-1]] == ["3", "5"]


@pytest.mark.parametrize("make", [lambda path: path.write_bytes(b"A=\xff"), lambda path: path.mkdir()])
def test_what_is_no_text_is_said_to_be_none(env_file, make):
    make(env_file)
    with pytest.raises(LocalCloudError, match="cannot be read as text"):
        read_env_file(env_file, KNOWN)
