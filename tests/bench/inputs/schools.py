"""A large district: results of Illuminate in one school year, and learners' weeks of Codetrack, in the shapes of the APIs."""

import datetime
import json
import random
from pathlib import Path

# Answers of the server have up to so many results.
PAGE = 1000
TITLES = [
    "Grade {grade} Math Interim Assessment #{n}",
    "Grade {grade} ELA Module {n} Assessment",
    "IM Grade {grade} Unit {n} Checkpoint",
    "Algebra I Unit {n}",
    "Biology IA",
    "Grade {grade} Science Interim {n}",
    "World History Checkpoint {n}",
    "Relations and Functions",
]
STANDARDS = ["CCSS.Math.Content.1.OA.B.4", "CCSS.ELA-Literacy.RI.3.2", "MS-LS3-1", "S-ID.2", "4.MD.4"]
BANDS = ["Does Not Meet Expectations", "Approaching Expectations", "Meets Expectations", "Exceeds Expectations"]
FIRST_NAMES = ["Ada", "Emmy", "Grace", "Hypatia", "Katherine", "Sofia"]
NEWEST_WEEK = datetime.date(2026, 11, 16)
WEEKS = 104


def write_illuminate(raw: Path, results: int) -> None:
    """Writes about `results` results: a fifth overall, half by standard, the others by reporting group."""
    draw = random.Random(results)
    folder = raw / "illuminate" / "year=24-25"
    folder.mkdir(parents=True, exist_ok=True)
    students = max(20, results // 60)
    takers = max(10, students // 5)
    assessments = [
        (str(900001 + n), TITLES[n % len(TITLES)].format(grade=n % 12, n=n % 3 + 1))
        for n in range(max(1, results // (5 * takers)))
    ]
    listed = [_assessment(id, title, len(assessments)) for id, title in assessments]
    (folder / "assessments.ndjson").write_text(_response({"page": 1, "limit": PAGE}, listed, 1, 1))
    kinds = {"overall": _overall, "standard": _by_standard, "group": _by_group}
    for kind, details in kinds.items():
        with (folder / f"responses_{kind}.ndjson").open("w", encoding="utf-8") as file:
            for id, title in assessments:
                rows = [
                    _result(draw, id, title, student, detail)
                    for student in draw.sample(range(students), takers)
                    for detail in details()
                ]
                pages = [rows[at : at + PAGE] for at in range(0, len(rows), PAGE)]
                for number, page in enumerate(pages, 1):
                    request = {"assessment_id": id, "page": number, "limit": PAGE}
                    file.write(_response(request, page, number, len(pages)))
    _rosters(raw, students)


def write_codetrack(raw: Path, entries: int) -> None:
    """Writes about `entries` weeks of learners."""
    draw = random.Random(entries)
    folder = raw / "codetrack" / f"week={NEWEST_WEEK}"
    folder.mkdir(parents=True, exist_ok=True)
    learners = range(1, max(2, entries // WEEKS))
    weeks = [NEWEST_WEEK - datetime.timedelta(weeks=age) for age in range(WEEKS)]
    roster = [
        {
            "name": f"{FIRST_NAMES[id % 6]} Example",
            "email": f"learner{id}@example.org",
            "id": id,
            "cohort": ["7.3", "10.1", "10.10"][id % 3],
            "leetcode_id": f"simulated-{id}" if id % 2 else None,
        }
        for id in learners
    ]
    (raw / "codetrack" / "rosters").mkdir(parents=True, exist_ok=True)
    (raw / "codetrack" / "rosters" / "roster.json").write_text(_json(roster))
    with (
        (folder / "weekly_scores.ndjson").open("w") as scores,
        (folder / "weekly_commits.ndjson").open("w") as commits,
        (folder / "users.ndjson").open("w") as users,
    ):
        for id in learners:
            asked = {"learner": id, "limit": WEEKS, "from": f"{weeks[-1]}", "to": "2026-11-23"}
            points = [_score(id, week, draw.randrange(90)) for week in weeks]
            scores.write(_line(asked, "[" + ",".join(points) + "]"))
            counts = [_commit(id, week, draw.randrange(9)) for week in weeks if draw.random() < 0.95]
            commits.write(_line(asked, "[" + ",".join(counts) + "]"))
            account = {
                "id": id,
                "username": f"simulated-{id}",
                "free_code_camp_points": draw.randrange(3000),
                "honor": draw.randrange(1500),
                "leetcode_points": draw.randrange(900),
                "badges": [],
            }
            users.write(_line({"learner": id}, _json(account)))


def _overall():
    return ['"version":"1","version_label":"Version 1",']


def _by_standard():
    return [
        f'"academic_benchmark_guid":"{number:08}-A38D-223D-6F7E-C4754FCE4071","standard_code":"{code}",'
        f'"standard_description":"What standard {code} asks for",'
        for number, code in enumerate(STANDARDS[:3])
    ]


def _by_group():
    return ['"reporting_group_id":501,"reporting_group":"Multiple Choice",']


def _result(draw: random.Random, id: str, title: str, student: int, detail: str) -> str:
    points = draw.randrange(26)
    band = min(points // 7, 3)
    percent = "null" if points == 13 else f"{points * 4 + 0.5}" if points % 5 == 0 else points * 4
    date = "2000-01-01" if points == 25 and student % 9 == 0 else f"2024-11-{student % 28 + 1:02}"
    return (
        f'{{"assessment_id":"{id}","title":"{title}",{detail}"local_student_id":{100000 + student},'
        f'"first_name":"{FIRST_NAMES[student % 6]}","last_name":"Example","middle_name":null,"date_taken":"{date}",'
        f'"points":{points},"points_possible":25,"percent_correct":{percent},"performance_band_level":"{band + 1}",'
        f'"performance_band_label":"{BANDS[band]}","mastered":"{"t" if band > 1 else "f"}","__count":279}}'
    )


def _assessment(id: str, title: str, count: int) -> str:
    return _json(
        {
            "assessment_id": id,
            "local_assessment_id": None,
            "title": title,
            "description": "",
            "author_id": "77",
            "district_author_id": None,
            "author_first": "Ada",
            "author_last": "Example",
            "created_at": "2024-10-02 09:12:00",
            "updated_at": "2024-10-02 10:12:00",
            "scope_id": "3",
            "scope": "Grade Level",
            "subject_id": "1",
            "subject": "Mathematics",
            "grade_levels": "4",
            "__count": count,
        }
    )


def _response(request: dict, rows: list[str], page: int, pages: int) -> str:
    body = f'{{"page":{page},"num_pages":{pages},"num_results":{len(rows)},"results":[{",".join(rows)}]}}'
    return _line(request, body)


def _line(request: dict, body: str) -> str:
    return f'{{"request":{_json(request)},"received_at":"2026-11-18T05:00:00Z","status":200,"body":{body}}}\n'


def _rosters(raw: Path, students: int) -> None:
    folder = raw / "illuminate" / "rosters"
    folder.mkdir(parents=True, exist_ok=True)
    header = "STUDENTS.ID\tSTUDENTS.Student_Number\tSTUDENTS.Grade_Level\tSTUDENTS.Enroll_Status\n"
    lines = (f"{n}\t{100000 + n}\t{n % 13}\t0\n" for n in range(students) if n % 40)
    (folder / "Student_Rosters.txt").write_text(header + "".join(lines))


def _score(id: int, week: datetime.date, points: int) -> str:
    return f'{{"_id":"{id:08x}{week:%y%m%d}","user_id":{id},"date":"{week}","points":{points},"details":{{"streak":null}}}}'


def _commit(id: int, week: datetime.date, points: int) -> str:
    return f'{{"date":"{week}T00:00:00.000Z","points":{points},"user_id":"{id}","_id":"{week:%y%m%d}{id:08x}","score":0}}'


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
