use serde_json::Value;

use crate::runner::Room;

/// A room with the files of the library's test against an independent count.
fn room() -> Room {
    let room = Room::new();
    room.put("truth.csv", include_str!("../../../tests/froc/truth.csv"));
    room.put("excluded.csv", include_str!("../../../tests/froc/excluded.csv"));
    room.put("scans.csv", include_str!("../../../tests/froc/scans.csv"));
    room.put("marks.csv", include_str!("../../../tests/froc/marks.csv"));
    room
}

const FILES: [&str; 8] =
    ["metrics", "froc", "truth.csv", "marks.csv", "--excluded", "excluded.csv", "--scans", "scans.csv"];

fn expected(name: &str) -> f64 {
    let lines = include_str!("../../../tests/froc/expected.csv").lines();
    lines.filter_map(|line| line.split_once(',')).find(|(key, _)| *key == name).unwrap().1.parse().unwrap()
}

fn json(room: &Room, args: &[&str]) -> Value {
    serde_json::from_str(&room.done(&[&FILES[..], args, &["--json"]].concat())).unwrap()
}

#[test]
fn the_table_has_the_numbers_of_an_independent_count() {
    let room = room();
    let text = room.done(&FILES);
    let heading = "marks.csv against truth.csv: 11 scans, 19 of 36 nodules hit, 107 false marks\n";
    assert!(text.starts_with(heading), "{text}");
    assert_eq!(text.lines().filter(|line| line.trim_start().starts_with("sensitivity at ")).count(), 7);
    let cpm = text.lines().last().unwrap();
    assert!(cpm.contains("CPM ") && cpm.contains(" 0.3661 ") && cpm.contains(" to "), "{cpm}");

    for (args, set) in [(&[][..], "sphere"), (&["--depth", "24"][..], "in-plane")] {
        let object = json(&room, &[args, &["--threshold", "0.5"]].concat());
        let near = |got: &Value, name: &str| {
            let (got, want) = (got["value"].as_f64().unwrap(), expected(&format!("{set}.{name}")));
            assert!((got - want).abs() < 1e-6, "{set} {name}: {got} {want}");
        };
        for (got, rate) in
            object["sensitivity"].as_array().unwrap().iter().zip(["0.125", "0.25", "0.5", "1", "2", "4", "8"])
        {
            near(got, rate);
        }
        near(&object["cpm"], "cpm");
        let point = &object["operating_point"];
        near(&point["sensitivity"], "sensitivity");
        near(&point["precision"], "precision");
        near(&point["size_bias_mm"], "bias");
        let [low, high] = [0, 1].map(|end| object["cpm"]["interval"][end].as_f64().unwrap());
        assert!(low < high && low < object["cpm"]["value"].as_f64().unwrap());
    }
    // Fewer marks a scan: the false ones go first.
    let few = json(&room, &["--most-marks", "3"]);
    assert!(few["counts"]["false_marks"].as_u64().unwrap() < 30, "{}", few["counts"]);
    assert!(json(&room, &["--seed", "1"])["cpm"]["interval"] != json(&room, &[])["cpm"]["interval"]);
    let nothing = json(&room, &["--threshold", "3"]);
    assert_eq!(nothing["operating_point"]["precision"], Value::Null);
}

#[test]
fn two_detectors_are_compared_with_a_verdict() {
    let room = room();
    // All found, with the best of scores.
    let truth = include_str!("../../../tests/froc/truth.csv");
    let perfect: Vec<String> = truth.lines().skip(1).map(|line| format!("{line},1")).collect();
    room.put("perfect.csv", format!("seriesuid,coordX,coordY,coordZ,diameter_mm,probability\n{}", perfect.join("\n")));
    let mut files = FILES;
    files[3] = "perfect.csv";
    let text = room.done(&[&files[..], &["--against", "marks.csv"]].concat());
    assert!(text.contains("CPM, gain") && text.contains("better, against marks.csv"), "{text}");
    let object = json(&room, &["--against", "perfect.csv", "--threshold", "0.5"]);
    assert_eq!(object["differences"]["cpm"]["verdict"], "worse");
    assert_eq!(object["differences"]["precision"]["verdict"], "worse");
    let same = json(&room, &["--against", "marks.csv"]);
    assert_eq!(same["differences"]["cpm"]["verdict"], "undecided");
}

#[test]
fn bad_files_are_refused_in_one_line() {
    let room = room();
    let head = "seriesuid,coordX,coordY,coordZ,probability\n";
    let refused = |marks: &str, words: &[&str]| {
        room.put("bad.csv", marks);
        room.refused(&["metrics", "froc", "truth.csv", "bad.csv"], words);
    };
    refused(
        "seriesuid,coordX,coordY,coordZ\n",
        &["bad.csv: the heading lacks the column probability, it has seriesuid, "],
    );
    let unknown = format!("{head}scan-00,1,2,3,0.5\nother,1,2,3,0.5\n");
    refused(&unknown, &["bad.csv: line 3: scan other is not in truth.csv; name scans without nodules by --scans"]);
    refused(
        &format!("{head}scan-00,1,2,3,NaN\n"),
        &["bad.csv: line 2: probability must be a finite number, got \"NaN\""],
    );
    refused(&format!("{head}scan-00,1,,3,0.5\n"), &["bad.csv: line 2: coordY must be a finite number, got \"\""]);
    refused(&format!("{head}scan-00,1,2\n"), &["bad.csv: ", "line: 2"]);
    room.refused(&["metrics", "froc", "truth.csv", "none.csv"], &["none.csv: "]);
    room.refused(&["metrics", "froc", "truth.csv"], &["MARKS"]);

    room.put("few.csv", "scan-00\nscan-01\n");
    room.refused(
        &["metrics", "froc", "truth.csv", "marks.csv", "--scans", "few.csv"],
        &["truth.csv: line ", "--scans"],
    );
    room.put("few.csv", "scan-00\nscan-00\n");
    room.refused(&["metrics", "froc", "truth.csv", "marks.csv", "--scans", "few.csv"], &["few.csv: line 2: ", "twice"]);
    room.put("flat.csv", "seriesuid,coordX,coordY,coordZ,diameter_mm\nscan-00,1,2,3,0\n");
    room.refused(
        &["metrics", "froc", "flat.csv", "marks.csv"],
        &["flat.csv: line 2: diameter_mm must be positive, got 0"],
    );
    room.put("twice.csv", "seriesuid,coordX,coordY,coordZ,diameter_mm\na,1,2,3,4\na,1,2,3,5\n");
    room.put("ok.csv", format!("{head}a,1,2,3,0.5\n"));
    room.refused(&["metrics", "froc", "twice.csv", "ok.csv"], &["twice.csv: scan a: ", "no nodule before it"]);
    room.put("empty.csv", "seriesuid,coordX,coordY,coordZ,diameter_mm\n");
    room.put("none.csv", head);
    room.refused(
        &["metrics", "froc", "empty.csv", "none.csv"],
        &["empty.csv: FROC is not defined: none of the 0 scans"],
    );
    room.refused(&[&FILES[..], &["--depth", "0"]].concat(), &["--depth must be positive and finite, got 0 mm"]);
    room.refused(&[&FILES[..], &["--draws", "3"]].concat(), &["number of draws must be 40 to 1000000, got 3"]);
}
