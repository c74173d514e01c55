//! `kerma info`.

use crate::runner::Room;

#[test]
fn info_says_what_a_file_is_and_what_is_odd() {
    let room = Room::furnished();
    let text = room.done(&["info", "volume.nii"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "volume.nii: NIfTI",
            "  size      10 x 10 x 4",
            "  spacing   16 x 16 x 16 mm",
            "  axes      x to the right, y to the front, z to the head",
            "  centre    0, 0, 0 mm",
            "  values    floats of 32 bits, little-endian",
            "  unit      mm⁻¹, as the file states",
        ]
    );
    room.put("volume.dat", room.bytes("volume.nii"));
    let object: serde_json::Value = serde_json::from_str(&room.done(&["info", "volume.dat", "--json"])).unwrap();
    assert_eq!((&object["format"], &object["size"][2], &object["unit"]), (&"NIfTI".into(), &4.into(), &"mm⁻¹".into()));
    assert_eq!(object["remarks"][0], serde_json::Value::Null);
    room.put("page.nii", b"<!DOCTYPE html><html></html>");
    room.refused(&["info", "page.nii"], &["page.nii: XML or HTML is not supported", "brought a web page"]);
    room.refused(&["info", "gone.nii"], &["gone.nii: cannot read"]);
}
