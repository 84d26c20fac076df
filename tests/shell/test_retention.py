"""What is forgotten of a contact is forgotten whole."""

from __future__ import annotations

from pathlib import Path

from ivr.retention import delete_recordings


def test_recordings_and_attachments_of_a_contact_go_and_those_of_others_stay(
    tmp_path: Path,
) -> None:
    for name in ("messages/c1-ab.wav", "messages/c2-ab.wav", "files/c1-ab/0", "files/c2-ab/0"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    assert delete_recordings(tmp_path, ["c1-ab", "../messages", ""]) == 2
    left = sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.is_file())
    assert left == ["files/c2-ab/0", "messages/c2-ab.wav"]
