#!/usr/bin/env python3
"""tests/pages/built_in.py TRIBUTARY: what the built-in pages show of invented rows.

Makes lakes of such rows, renders the built-in pages with `tributary report`, and reads their numbers. Of small groups
(cohorts of one to nine, lists of one and two) nothing can be read from the pages without names, nor worked out: what is
left out is in no total, no number of people is one or two, and means of few are rounded. Stations are told apart.
"""

import csv
import html
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

DATASETS = Path(__file__).resolve().parents[2] / "shared" / "datasets"
LISTS = ["celebrate", "steady", "talk_to", "silent", "check_data"]
TYPES = {int: "int64", float: "float64", bool: "bool", str: "string"}


def lake_of(folder, dataset, tables):
    """A lake with one dataset: the built-in pages over tables of these rows."""
    config = folder / "config" / "datasets" / dataset
    config.mkdir(parents=True)
    # Under a name of its own, for the built-in one has models that would make these tables.
    report = (DATASETS / dataset.removeprefix("invented_") / "report.toml").read_text()
    (config / "report.toml").write_text(report.replace(f"{dataset.removeprefix('invented_')}.", f"{dataset}."))
    declared = ["title = 'Invented'", "time_zone = 'UTC'"]
    for name, rows in tables.items():
        declared += [
            f"[table.{name}]",
            f"from = '{name}.csv'",
            "partition = 'date(taken_on)'",
            "key = ['number']",
            f"[table.{name}.column]",
        ]
        declared += ["number = { type = 'int64', required = true }", "taken_on = { type = 'date', required = true }"]
        for column in rows[0]:
            values = [row[column] for row in rows if row[column] is not None]
            text = str(values[0])
            is_date = re.match(r"\d{4}-\d\d-\d\d", text)
            kind = ("date" if len(text) == 10 else "timestamp") if is_date else TYPES[type(values[0])]
            declared.append(f"{column} = {{ type = '{kind}' }}")
        raw = folder / "raw" / dataset / f"{name}.csv"
        raw.parent.mkdir(parents=True, exist_ok=True)
        with raw.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["number", "taken_on", *rows[0]])
            for number, row in enumerate(rows):
                writer.writerow([number, "2026-11-16", *["" if value is None else value for value in row.values()]])
    (config / "dataset.toml").write_text("\n".join(declared) + "\n")


def page(tributary, folder, dataset):
    """The page without names, as it is rendered of the lake's rows."""
    for command in (["clean"], ["report", dataset, "--into", str(folder / "pages")]):
        done = subprocess.run([tributary, "--lake", f"file:{folder}", *command], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{dataset}: {command[0]} failed: {done.stdout}{done.stderr}")
    return (folder / "pages" / dataset / "report.html").read_text()


def table(text, title):
    """The rows of the table of numbers behind a chart, without its head; none if the chart has no rows."""
    figure = text.split(f"<h3>{title}</h3>")[1].split("</figure>")[0]
    if "<summary>Numbers" not in figure:
        return []
    body = figure.split("<summary>Numbers</summary>")[1].split("<tbody>")[1].split("</table>")[0]
    rows = [re.findall(r"<(?:th|td)[^>]*>([^<]*)", row) for row in body.split("<tr>")[1:]]
    return [[html.unescape(cell) for cell in row] for row in rows]


def headline(text):
    return html.unescape(re.search(r"<h1>([^<]*)", text).group(1))


def number(text, label):
    found = re.search(rf"<dt>{re.escape(label)}</dt><dd><b>([^<]*)</b>(.*?)</div>", text)
    return html.unescape(found.group(1)), html.unescape(re.sub(r"<[^>]*>", " ", found.group(2)))


def at_least(words):
    """What a headline says of each list."""
    found = {words_of: int(count) for count, words_of in re.findall(r"at least (\d+) (need|are silent|are worth)", words)}
    return {"Talk to": found.get("need", 0), "Silent": found.get("are silent", 0), "Celebrate": found.get("are worth", 0)}


SMALLEST = 10


def half_up(value):
    return int(value + 0.5)


def told(value, count):
    """A mean or a share as the pages tell it: of fewer than fifty in steps of five."""
    return 5 * half_up(value / 5) if count < 50 else half_up(value)


def groups(chance, sizes):
    """Members of groups: the list of each, with lists of one and of two among them, and one that has all of nine."""
    for place, size in enumerate(sizes):
        weights = [chance.random() ** 2 for _ in LISTS]
        for _ in range(size):
            yield place, "talk_to" if size == 9 else chance.choices(LISTS, weights)[0]


def check_lists(rows, sizes, what):
    """Rows of list, group and number: groups that are shown are complete, no number is one or two."""
    assert all(int(count) >= 3 for *_, count in rows), f"{what}: a number of one or two: {rows}"
    of_group = {}
    for _, group, count in rows:
        of_group[group] = of_group.get(group, 0) + int(count)
    wanted = sorted(size for size in sizes if size >= SMALLEST)
    assert sorted(of_group.values()) == wanted, f"{what}: {of_group} for groups of {wanted}"


def totals(rows):
    sums = {}
    for name, _, count in rows:
        sums[name] = sums.get(name, 0) + int(count)
    return sums


def codetrack(tributary, folder, seed):
    chance = random.Random(seed)
    sizes = [1, 2, 4, 5, 9, 10, 11, 13, 10, 30, 60] if seed else [1, 9]
    weeks = [f"2026-{month:02}-{day:02}" for month, day in [(10, 26), (11, 2), (11, 9)]]
    overview, by_week = [], []
    for place, chosen in groups(chance, sizes):
        points = None if chosen == "check_data" else chance.randrange(90)
        status = None if points is None else "struggling" if points < 30 else "high" if points >= 60 else "on_track"
        who = len(overview)
        person = {"id": who, "email": f"e{who}@x.org", "cohort": f"c{place}"}
        other = chance.choice(["struggling", "high", "on_track"])
        overview.append(
            {
                **person,
                "name": f"N{who}",
                "list": chosen,
                "reason": "r",
                "status": status,
                "trend": "steady",
                "status_before": status and other,
                "newest_week": weeks[-1],
                "points": points,
                "commits": points and 1,
                "points_before": points,
                "commits_before": points and 1,
            }
        )
        by_week += [
            {**person, "week": week, "points": chance.choice([None, 7, 20, 55, 61]), "commits": chance.choice([None, 0, 2])}
            for week in weeks
        ]
    lake_of(folder, "invented_codetrack", {"learners_overview": overview, "learner_week": by_week})
    text = page(tributary, folder, "invented_codetrack")
    small = [f"c{place}" for place, size in enumerate(sizes) if size < SMALLEST]
    shown = re.sub(r"(?s)<pre>.*?</pre>", "", text)
    assert not any(re.search(rf"\b{name}\b", shown) for name in small), "codetrack: a small cohort is on the page"
    rows = table(text, "How do the cohorts stand?")
    check_lists(rows, sizes, "codetrack")
    sums, said = totals(rows), at_least(headline(text))
    assert said == {name: sums.get(name, 0) for name in said}, f"codetrack: {headline(text)}, but {sums}"
    assert f"Of {sum(size for size in sizes if size >= SMALLEST)} learners" in headline(text) or not seed, headline(text)
    for label, name in [("To talk to", "Talk to"), ("To celebrate", "Celebrate"), ("Silent", "Silent")]:
        assert number(text, f"{label}, at least")[0] == str(sums.get(name, 0)), f"codetrack: {label}"
    # Of lists that are told, or the difference would tell of the others.
    names = {"celebrate": "Celebrate", "talk_to": "Talk to", "silent": "Silent", "check_data": "Check the data"}
    told_lists = {(cohort, name) for name, cohort, _ in rows}
    spread = table(text, "How are the points spread?")
    ranges = "".join(f'<th scope="col">{name}' for name in ["0–14", "15–29", "30–44", "45–59", "60 +"])
    assert not spread or ranges in text, "codetrack: the ranges of points ascend"
    for cells in spread:
        counts = [cell for cell in cells[1:] if cell != "–"]
        assert all(int(cell) not in (1, 2) for cell in counts), f"codetrack: {cells}"
        members = [person for person in overview if person["cohort"] == cells[0]]
        # Who is silent has a list; a range with them beside it without them would tell of the others.
        spread_over = [
            person for person in members if person["list"] not in ("silent", "check_data") and person["points"] is not None
        ]
        hidden = len(spread_over) - sum(int(cell) for cell in counts)
        # From the mean of few and all ranges but one, who is in that one could be worked out.
        assert len(counts) == 5 or len(spread_over) >= 50 and "0" not in counts, f"codetrack: {cells}"
        lists = {name for cohort, name in told_lists if cohort == cells[0]}
        without = [
            person
            for person in members
            if person not in spread_over and not (person["list"] in ("silent", "check_data") and names[person["list"]] in lists)
        ]
        assert hidden not in (1, 2) and hidden + len(without) not in (1, 2), f"codetrack: {cells} of {len(members)} learners"
        for low, cell in zip(range(0, 75, 15), cells[1:]):
            of_range = sum(min(person["points"] // 15 * 15, 60) == low for person in spread_over)
            assert cell in ("–", str(of_range)), f"codetrack: {cells}"
    with_points = {}
    for row in by_week:
        if row["points"] is not None and row["cohort"] not in small:
            with_points.setdefault((row["cohort"], row["week"]), []).append(row["points"])
    with_points = {place: values for place, values in with_points.items() if len(values) >= SMALLEST}
    means = table(text, "Do the cohorts gain or lose?")
    wanted = Counter(str(told(sum(values) / len(values), len(values))) for values in with_points.values())
    assert Counter(row[-1] for row in means) == wanted, f"codetrack: means of {means}, {wanted} of ten learners or more"
    # The number is of the same learners as the lines: no difference tells of one.
    pooled = sum([values for (_, week), values in with_points.items() if week == weeks[-1]], [])
    if pooled:
        mean = told(sum(pooled) / len(pooled), len(pooled))
        assert number(text, "Points of a learner, mean")[0] == str(mean), f"codetrack: a mean of {mean} points"
    shares = [share for _, share in table(text, "How many commit anything at all?") if share not in ("–", "no data")]
    assert all(0 <= int(share) <= 100 and int(share) % 5 == 0 for share in shares), f"codetrack: shares of {shares}"
    assert bool(seed) >= bool(shares), "codetrack: shares of fewer than twenty"
    assert "cohorts of fewer than ten learners" in text, "codetrack: the page says what it leaves out"


def illuminate(tributary, folder, seed):
    chance = random.Random(seed)
    sizes = [1, 3, 5, 9, 10, 11, 14, 60]
    students = []
    for grade, chosen in groups(chance, sizes):
        who = len(students)
        students.append(
            {
                "local_student_id": who,
                "first_name": "F",
                "last_name": f"L{who}",
                "list": chosen,
                "reason": "r",
                "year": "25-26",
                "grade": grade,
                "results": 3,
                "score": chance.randrange(100),
                "band": 1,
                "taken": "2026-11-02",
                "score_before": chance.randrange(100),
                "moved": chance.random() < 0.2,
            }
        )
    # Assessments by how many students took them and how many mastered them: one of thirty, all of ten, five of sixty.
    size = {"year": "25-26", "assessment_id": None, "month": None, "band": None, "label": None, "taken": None, "newest": None}
    size |= {"students": 0, "judged": None, "mean_score": None, "mastered": None}
    assessed = [(2, 1), (9, 9), (30, 1), (10, 10), (60, 5), (40, None)]
    sizes_of = [
        {
            **size,
            "assessment_id": place,
            "label": f"Test {place}",
            "taken": "2026-11-02",
            "newest": "2026-11-02",
            "students": count,
            "judged": 4 if wins is None else count,
            "mean_score": 10.0 * place + 3,
            "mastered": 0.5 if wins is None else wins / count,
        }
        for place, (count, wins) in enumerate(assessed)
    ]
    bands = [[7, 1, 2], [70, 20, 1], [2, 2, 30]][seed]
    sizes_of += [
        {**size, "month": "2026-11-01", "band": level, "label": "Level", "students": count}
        for level, count in enumerate(bands, start=1)
    ]
    sizes_of.append({**size, "month": "2026-11-01", "students": sum(bands)})
    # A month of too few.
    sizes_of.append({**size, "month": "2026-10-01", "students": 9})
    sizes_of.append({**size, "month": "2026-10-01", "band": 1, "label": "Level", "students": 9})
    standards = [
        {
            "year": "25-26",
            "standard_code": f"S{place}",
            "standard_description": "d",
            "grade": grade,
            "students": size,
            "results": size,
            "scored": size,
            "judged": size,
            "mean_score": float(10 * place + grade),
            "mastered": 0.5,
        }
        for place in range(3)
        for grade, size in enumerate(sizes)
        if size >= SMALLEST or place != 1
    ]
    overall = [{"year": "25-26", "local_student_id": 1, "assessment_id": 1, "percent_correct": 50, "date_taken": "2026-11-02"}]
    lake_of(
        folder,
        "invented_illuminate",
        {
            "students_overview": students,
            "illuminate_assessment_results": overall,
            "group_size": sizes_of,
            "standard_by_class": standards,
            "result_overall": overall,
        },
    )
    text = page(tributary, folder, "invented_illuminate")
    rows = [[name, grade, count] for name, grade, count in table(text, "How do the grades stand?")]
    check_lists(rows, sizes, "illuminate")
    sums = totals(rows)
    for label, name in [("Students to talk to, at least", "Talk to"), ("Students to celebrate, at least", "Celebrate")]:
        count, _ = number(text, label)
        assert count == str(sums.get(name, 0)), f"illuminate: {label} {count}, but {sums}"
    shown = [row for row in sizes_of if row["assessment_id"] is not None and row["students"] >= SMALLEST]
    mean = sum(row["mean_score"] * row["students"] for row in shown) / sum(row["students"] for row in shown)
    said = f"The mean score of the school year 25-26 is {mean:.0f} percent"
    assert said in headline(text), headline(text)
    assert not re.search(r"Test [01]\b", text), "illuminate: a small assessment is on the page"
    newest = text.split("<h3>How did the newest assessments go?</h3>")[1].split("<tbody>")[1].split("</table>")[0]
    # One of thirty is not told, nor is it what four of forty had.
    mastered = re.findall(r'data-label="Mastered">([^<]*)', newest)
    assert mastered == ["no data", "100%", "8%", "no data"], f"illuminate: {mastered}"
    shares, before = {}, 0
    for level, count in sorted(enumerate(bands, start=1), key=lambda band: (band[1], band[0])):
        of = f"{level} Level" if count >= 3 and before not in (1, 2) else "Not told apart"
        shares[of], before = shares.get(of, 0) + count, before + count
    found = {band: share for band, _, share in table(text, "How are the students spread over the bands, month by month?")}
    assert found == {band: str(told(100 * count / sum(bands), sum(bands))) for band, count in shares.items()} and all(
        count >= 3 for count in shares.values()
    ), (found, shares)
    weakest = text.split("<h3>Which standards need most work?</h3>")[1].split("<tbody>")[1].split("</table>")[0]
    for place in range(3):
        of = [row for row in standards if row["standard_code"] == f"S{place}" and row["students"] >= SMALLEST]
        mean = sum(row["mean_score"] * row["scored"] for row in of) / sum(row["scored"] for row in of)
        assert f"<span>{mean:.0f}" in weakest.split(f">S{place}<")[1].split("<tr>")[0], (
            f"illuminate: S{place} has a mean of all grades"
        )


def irceline(tributary, folder, _seed):
    day = "2026-11-16"
    named = [
        ("40ZS12 - Deurne", "Deurne"),
        ("41X074 - Deurne (Ring)", "Deurne"),
        ("44Q072 - Sportveld", "Antwerpen"),
        ("Haven", None),
    ]
    stations = [
        {"station_id": number, "station_label": label, "municipality": town, "longitude": 4.4 + number / 10, "latitude": 51.2}
        for number, (label, town) in enumerate(named)
    ]
    lake_of(
        folder,
        "invented_irceline",
        {
            "belaqi_by_station_day": [
                {
                    **station,
                    "day": day,
                    "index": 9 - station["station_id"],
                    "class": "bad",
                    "pollutant": "pm10",
                    "average": 90.0,
                }
                for station in stations
            ],
            "aggregate_station_by_day": [
                {
                    **station,
                    "day": day,
                    "parameter": "pm10",
                    "average": 60.0,
                    "valid": True,
                    "count": 23,
                    "expected": 24,
                    "timeseries_id": 1,
                }
                for station in stations
            ],
            "exceedance_by_station_year": [
                {
                    **station,
                    "day": day,
                    "law": "2008/50/EC",
                    "parameter": "pm10",
                    "average": "day",
                    "exceedances": 4,
                    "allowed": 35,
                    "limit_value": 50.0,
                    "exceeded": False,
                    "mean": 20.0,
                    "coverage": 0.9,
                }
                for station in stations
            ],
            "aggregate_city_by_hour": [{"timestamp": f"{day}T05:00:00Z", "day": day, "parameter": "no2", "average": 20.0}],
        },
    )
    text = page(tributary, folder, "invented_irceline")
    shown = sorted(name for name, _ in table(text, "How good was the air, and where?"))
    wanted = ["Deurne (Ring), 41X074", "Deurne, 40ZS12", "Haven", "Sportveld, 44Q072, Antwerpen"]
    assert shown == wanted, f"irceline: the map's stations are {shown}"


def main():
    tributary = str(Path(sys.argv[1]).resolve())
    for check, seeds in [(codetrack, range(6)), (illuminate, range(3)), (irceline, range(1))]:
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                check(tributary, Path(folder), seed)
        print(f"{check.__name__}: as it should be")


main()
