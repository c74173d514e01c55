//! Structs that a shader and its host share; Rust is the source of truth and the WGSL text is generated.

/// Type that has the same layout in Rust (`repr(C)`) and WGSL.
pub trait ShaderValue {
    /// Its name in WGSL.
    const WGSL: &'static str;
}

macro_rules! shader_values {
    ($($rust:ty => $wgsl:literal),* $(,)?) => { $(impl ShaderValue for $rust { const WGSL: &'static str = $wgsl; })* };
}

shader_values! {
    f32 => "f32", u32 => "u32", i32 => "i32",
    [f32; 2] => "vec2<f32>", [f32; 4] => "vec4<f32>", [u32; 4] => "vec4<u32>", [u16; 2] => "u32", [[u32; 4]; 2] => "array<vec4<u32>, 2>",
}

/// One field of a shared struct.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name, the same on both sides.
    pub name: &'static str,
    /// Type in WGSL.
    pub wgsl: &'static str,
    /// Byte offset in Rust.
    pub offset: usize,
}

/// Struct shared with a shader; written with [`shader_struct!`](crate::shader_struct).
pub trait ShaderStruct: bytemuck::Pod {
    /// Name, the same on both sides.
    const NAME: &'static str;
    /// Fields in order.
    const FIELDS: &'static [Field];
}

/// Description of a shared struct without its type.
#[derive(Clone, Copy, Debug)]
pub struct StructText {
    /// Name, the same on both sides.
    pub name: &'static str,
    /// Fields in order.
    pub fields: &'static [Field],
    /// Size in Rust, in bytes.
    pub size: usize,
}

impl StructText {
    /// Description of `T`.
    #[must_use]
    pub const fn of<T: ShaderStruct>() -> Self {
        Self { name: T::NAME, fields: T::FIELDS, size: size_of::<T>() }
    }

    /// WGSL declaration.
    #[must_use]
    pub fn wgsl(&self) -> String {
        let fields: String = self.fields.iter().map(|f| format!("    {}: {},\n", f.name, f.wgsl)).collect();
        format!("struct {} {{\n{fields}}}\n", self.name)
    }
}

/// Declares a struct for Rust and, with the same layout, for WGSL. Fields of one type that belong together may share it, and
/// their comment: `column, row: f32`.
///
/// Fields that WGSL aligns to 16 bytes (`[f32; 4]` and its like) must stand at such offsets; a test that parses every
/// shader compares the layouts.
#[macro_export]
macro_rules! shader_struct {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$fmeta:meta])* $fvis:vis $field:ident $(, $more:ident)* : $ty:ty),* $(,)?
    }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
        $vis struct $name {
            $($(#[$fmeta])* $fvis $field: $ty, $(#[doc = concat!("See `", stringify!($field), "`.")] $fvis $more: $ty,)*)*
        }

        impl $crate::engine::ShaderValue for $name {
            const WGSL: &'static str = stringify!($name);
        }

        impl $crate::engine::ShaderStruct for $name {
            const NAME: &'static str = stringify!($name);
            const FIELDS: &'static [$crate::engine::Field] = &[
                $($crate::shader_struct!(@field $name $field $ty), $($crate::shader_struct!(@field $name $more $ty),)*)*
            ];
        }
    };
    (@field $name:ident $field:ident $ty:ty) => {
        $crate::engine::Field {
            name: stringify!($field),
            wgsl: <$ty as $crate::engine::ShaderValue>::WGSL,
            offset: std::mem::offset_of!($name, $field),
        }
    };
}

shader_struct! {
    /// What one dispatch is to do; the engine fills it, every shader binds it at `@group(0) @binding(0)`.
    pub struct Tile {
        /// First output row, counted over all slices.
        pub first_row: u32,
        /// Number of output rows.
        pub row_count: u32,
        /// First input slice of a summing kernel.
        pub first_input: u32,
        /// Number of input slices.
        pub input_count: u32,
        /// Which rays or orders take part: bit 0 ascending, bit 1 descending.
        pub way: u32,
        /// 1 when the output already holds a partial result to be continued.
        pub resume: u32,
        /// Always 0; unknown to the shader compiler, which is what makes `pin` work.
        pub zero: u32,
        /// Padding.
        pub unused: u32,
        /// Per storage binding: the row (counted over all slices) at which the bound part or copy of the buffer begins.
        pub base: [[u32; 4]; 2],
    }
}
