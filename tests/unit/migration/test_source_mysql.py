"""What the name of a collation says of what it does not see."""

import pytest

from lambda_src.migration.source import mysql

CASE, ACCENTS, BLANKS, KANA = "case", "accents", "blanks at the end", "hiragana and katakana"


@pytest.mark.parametrize(
    ("collation", "ignored"),
    [
        ("utf8mb4_0900_ai_ci", [CASE, ACCENTS]),
        ("utf8mb4_tr_0900_ai_ci", [CASE, ACCENTS]),
        ("utf8mb4_cs_0900_ai_ci", [CASE, ACCENTS]),  # Czech, and no word on case
        ("utf8mb4_0900_as_ci", [CASE]),
        ("utf8mb4_0900_as_cs", []),
        ("utf8mb4_cs_0900_as_cs", []),
        ("utf8mb4_zh_0900_as_cs", []),
        ("utf8mb4_ja_0900_as_cs", [KANA]),
        ("utf8mb4_ja_0900_as_cs_ks", []),
        ("utf8mb4_0900_bin", []),
        ("utf8mb4_bin", [BLANKS]),
        ("latin1_bin", [BLANKS]),
        ("binary", []),
        ("utf8mb4_general_ci", [CASE, ACCENTS, BLANKS]),
        ("utf8mb4_unicode_520_ci", [CASE, ACCENTS, BLANKS]),
        ("latin1_swedish_ci", [CASE, ACCENTS, BLANKS]),
        ("latin1_general_cs", [BLANKS]),
        ("latin2_czech_cs", [BLANKS]),
        ("latin7_estonian_cs", [BLANKS]),
        ("utf8mb4_uca1400_ai_ci", [CASE, ACCENTS, BLANKS]),
        ("utf8mb4_uca1400_as_ci", [CASE, BLANKS]),
        ("utf8mb4_uca1400_ai_cs", [ACCENTS, BLANKS]),
        ("utf8mb4_uca1400_swedish_nopad_as_cs", []),
        ("utf8mb4_general_nopad_ci", [CASE, ACCENTS]),
        ("utf8mb4_nopad_bin", []),
        ("utf8mb4_thai_520_w2", [CASE, BLANKS]),
        ("of_a_server_to_come", [CASE, ACCENTS, BLANKS]),
    ],
)
def test_the_name_of_a_collation_says_what_it_ignores(collation, ignored):
    assert mysql.ignored_by(collation) == ignored
