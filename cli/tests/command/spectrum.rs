use serde_json::Value;

use crate::runner::Room;

fn json(room: &Room, args: &[&str]) -> Value {
    serde_json::from_str(&room.done(&[&["spectrum"], args, &["--json"]].concat())).unwrap()
}

fn number(object: &Value, key: &str) -> f64 {
    object[key].as_f64().unwrap()
}

#[test]
fn a_tubes_beam_is_told_in_numbers_and_in_words() {
    let room = Room::new();
    let beam = json(&room, &["--kvp", "120", "--filter", "al:2.5"]);
    // spekpy 2.5.4: 4.193 and 6.643 mm Al, 54.55 keV, 0.1607 mGy.
    let layers: Vec<f64> =
        beam["half_value_layers_mm_al"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert!((layers[0] / 4.193 - 1.0).abs() < 0.02 && (layers[1] / 6.643 - 1.0).abs() < 0.02, "{layers:?}");
    assert!((number(&beam, "mean_energy_kev") / 54.55 - 1.0).abs() < 0.01);
    assert!((number(&beam, "air_kerma_mgy") / 0.1607 - 1.0).abs() < 0.03);
    let bins = &beam["spectrum"];
    let photons: f64 = bins["photons_per_mm2"].as_array().unwrap().iter().filter_map(Value::as_f64).sum();
    assert!((photons / number(&beam, "photons_per_mm2") - 1.0).abs() < 1e-12);
    assert_eq!((&bins["energy_kev"][0], &beam["filter"][0]), (&5.5.into(), &"2.5 mm Al".into()));
    let far = json(&room, &["--kvp", "120", "--filter", "al:2.5", "--mas", "4", "--at", "0,0,2000"]);
    assert!((number(&far, "air_kerma_mgy") / number(&beam, "air_kerma_mgy") - 1.0).abs() < 1e-12);
    let anode = json(&room, &["--kvp", "120", "--filter", "al:2.5", "--at", "-150,0,1000"]);
    assert!(number(&anode, "mean_energy_kev") > number(&beam, "mean_energy_kev") + 1.0);
    let text = room.done(&["spectrum", "--kvp", "120", "--filter", "al:2.5"]);
    assert!(text.starts_with("120 kV, anode 12°, 1 mAs at (0, 0, 1000) mm, 2.5 mm Al\n  photons"), "{text}");
    assert!(text.ends_with(" mm Al\n") && text.lines().count() == 5, "{text}");
}

#[test]
fn files_of_spectra_and_of_materials_are_taken() {
    let room = Room::new();
    room.put("line.csv", "energy_kev,photons\n60,100\n");
    room.put("own.toml", "[[material]]\nname = \"foam\"\ndensity_g_cm3 = 0.1\ncomposition = { C = 1 }\n");
    let beam = json(&room, &["--file", "line.csv", "--filter", "foam:10", "--materials", "own.toml"]);
    let left = number(&beam, "photons_per_mm2");
    // Carbon at 60 keV: 0.1753 cm²/g by NIST.
    assert!((left - 100.0 * (-0.1753_f64 * 0.1).exp()).abs() < 0.02, "{left}");
    assert_eq!(number(&beam, "mean_energy_kev"), 60.0);
}

#[test]
fn beams_that_cannot_be_are_refused_in_one_line() {
    let room = Room::new();
    room.refused(&["spectrum"], &["--kvp"]);
    room.refused(&["spectrum", "--kvp", "30"], &["tube voltage must be 40 to 150 kV, got 30 kV"]);
    room.refused(&["spectrum", "--kvp", "90", "--filter", "mud:1"], &["\"mud\"", "water"]);
    room.refused(&["spectrum", "--kvp", "90", "--filter", "al"], &["MATERIAL:MM"]);
    room.refused(&["spectrum", "--kvp", "90", "--filter", "w:1000"], &["air kerma of the spectrum must be above 0"]);
    room.refused(&["spectrum", "--kvp", "90", "--mas", "0"], &["--mas must be positive"]);
    room.refused(&["spectrum", "--kvp", "90", "--at", "1,2"], &["--at", "X,Y,Z"]);
    room.refused(&["spectrum", "--kvp", "90", "--anode-angle", "8", "--at", "-300,0,1800"], &["cuts off", "-1.46°"]);
    room.put("bad.csv", "energy_kev,photons\n60,many\n");
    room.refused(&["spectrum", "--file", "bad.csv"], &["bad.csv: line 2: must be energy in keV"]);
    room.refused(&["spectrum", "--file", "none.csv"], &["none.csv: cannot read"]);
    room.refused(&["spectrum", "--kvp", "90", "--file", "bad.csv"], &["--kvp", "--file"]);
}
