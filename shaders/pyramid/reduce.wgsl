// The coarser level of an image. Twin, weights and border: src/kernels/pyramid/reduce.rs.

// Where a row begins, or the row that stands for one beyond the image.
fn row_start(place: i32) -> u32 {
    return fine_row(mirrored(place, params.fine_rows)) * params.fine_columns;
}

// Pixel of a row that begins there.
fn pixel(start: u32, x: u32) -> f32 {
    return fine[start + x];
}
