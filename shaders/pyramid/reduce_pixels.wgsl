// The coarser level of packed pixels. Twin: src/kernels/pyramid/reduce_pixels.rs; weights and border: reduce.rs beside it.

// Words before a row, or before the row that stands for one beyond the image.
fn row_start(place: i32) -> u32 {
    return fine_row(mirrored(place, params.fine_rows)) * params.words;
}

// Pixel of a row that begins after so many words.
fn pixel(start: u32, x: u32) -> f32 {
    return f32((fine[start + x / 2u] >> (16u * (x % 2u))) & 0xffffu);
}
