//! The declaration of a kernel: everything about it that is not mathematics.

/// Declares a kernel: scalars, shader, buffers and cost. The twin is the function `twin` of the same module.
///
/// ```text
/// kernel! {
///     /// Pixels above a threshold.              what it computes
///     struct Above {
///         /// Words per row of the pixels and of the mask.
///         pairs, words: u32,                     scalars: u32, i32, f32 or a `shader_struct!`, `params.pairs` in the shader
///     }
///     shader mask/above, Exact, [32, 4];         shaders/mask/above.wgsl, tier, workgroup; + room/stem appends a file;
///                                                [8, 8, 4]: slices too, dispatched in three dimensions
///     structs Affine, ViewRays;                  further structs that the shader names (optional)
///     reads pixels[_, pairs]: rows of [u16; 2], threshold: whole of u32;
///     writes mask[_, words]: u32;                `as "atomic<u32>"` where WGSL needs another type
///     sums counts[1, bins];                      of 64 bits, to which any invocation may add (optional)
///     operations 128.0;                          per element of the output, or: domain |output| Domain { … };
/// }
/// ```
/// Scalars of one type that belong together are a group, with one comment that tells what each is and in which unit. A struct
/// of few scalars is written in one line, and the kernel's comment tells what they are.
///
/// A buffer has a name, which is its name in the shader too; the rows per slice and elements per row that it must have, `_` for
/// any; how it is read, a method of [`Buffer`](crate::engine::Buffer): `whole`, `rows`, `slices`, `inputs`,
/// `inputs_around(…)`, `window(…)`, `anywhere(…)`; and the type of its elements. Expressions may name the scalars.
///
/// It expands to
/// 1. the struct of the scalars, by [`shader_struct!`](crate::shader_struct), which is the kernel;
/// 2. `SHADER`, its [`Shader`](crate::engine::Shader);
/// 3. `compute(self, graph, label, reads…, writes…)`, which records the pass with buffers of those types. What it writes is there
///    already, a buffer, or [`Buffer::update`](crate::engine::Buffer::update) to add to what it holds; or it is made, and the
///    label of a new buffer is given ([`Target`](crate::engine::Target)). `compute` gives back what it writes, a tuple if that
///    is more than one, so that a function that records one pass ends with it;
/// 4. [`Kernel`](crate::engine::Kernel), whose `twin` calls `twin(&kernel, &block, reads…, writes…, sums…)` with slices of
///    those types; sums are [`Sums`](crate::engine::Sums).
///
/// Sources of shaders are looked for in the folder `shaders` of the crate that declares the kernel.
#[macro_export]
macro_rules! kernel {
    (
        $(#[$meta:meta])*
        struct $kernel:ident { $($(#[$field_meta:meta])* $($field:ident),+: $field_type:ty),* $(,)? }
        shader $room:ident/$stem:ident $(+ $other_room:ident/$other:ident)*, $tier:ident,
            [$wide:expr, $high:expr $(, $deep:expr)?];
        $(structs $($struct:ty),+;)?
        $(reads $($read:ident $([$read_rows:tt, $read_columns:tt])?: $kind:ident $(($window:expr))? of $read_type:ty),+;)?
        $(writes $($write:ident [$write_rows:tt, $write_columns:tt]: $write_type:ty $(as $wgsl:literal)?),+;)?
        $(sums $($sum:ident [$sum_rows:tt, $sum_columns:tt]),+;)?
        $(operations $operations:expr;)?
        $(domain |$output:pat_param| $domain:expr;)?
    ) => {
        $crate::shader_struct! {
            $(#[$meta])*
            struct $kernel { $($(#[$field_meta])* $($field),+: $field_type),* }
        }

        /// The shader.
        #[allow(unreachable_pub, reason = "rooms differ in what they show")]
        pub static SHADER: $crate::engine::Shader = $crate::engine::Shader {
            name: concat!(stringify!($room), ".", stringify!($stem)),
            tier: $crate::engine::Tier::$tier,
            source: concat!(
                $crate::kernel!(@source $room/$stem),
                $($crate::kernel!(@source $other_room/$other)),*
            ),
            structs: &[
                $crate::engine::StructText::of::<$kernel>(),
                $($($crate::engine::StructText::of::<$struct>()),+)?
            ],
            reads: &[$($($crate::kernel!(@storage $read $read_type, $kind $(($window))?)),+)?],
            writes: &[
                $($($crate::kernel!(@storage $write $write_type $(as $wgsl)?)),+,)?
                $($($crate::kernel!(@storage $sum)),+)?
            ],
            workgroup: $crate::kernel!(@workgroup $wide, $high $(, $deep)?),
        };

        impl $kernel {
            /// Records the pass, and gives back what it writes, whose types have the names of what is written.
            #[allow(clippy::too_many_arguments, reason = "one per buffer")]
            #[allow(non_camel_case_types, reason = "one type per buffer that is written")]
            #[allow(unused_parens, clippy::unused_unit, reason = "one result per buffer that is written, or none")]
            #[allow(unused_variables, reason = "not all kernels need all scalars")]
            fn compute<$($($write: $crate::engine::Target<$write_type>),+)?>(
                self,
                graph: &mut $crate::engine::Graph<'_>,
                label: impl Into<String>,
                $($($read: impl Into<$crate::engine::Buffer<$read_type>>,)+)?
                $($($write: $write,)+)?
                $($($sum: $crate::engine::Buffer<u64>),+)?
            ) -> ($($($write::Written),+)?) {
                let Self { $($($field),+),* } = self;
                let reads: Vec<$crate::engine::Read> =
                    vec![$($(Into::<$crate::engine::Buffer<$read_type>>::into($read).$kind($($window)?)),+)?];
                $($(let $write = $write.written(graph, $crate::kernel!(@shape $write_rows, $write_columns), &reads);)+)?
                let writes: Vec<$crate::engine::Write> = vec![$($($write.into()),+,)? $($($sum.accumulate()),+)?];
                graph.compute(label, self, reads, writes);
                ($($($write),+)?)
            }
        }

        #[allow(unused_variables, reason = "not all kernels need all scalars")]
        impl $crate::engine::Kernel for $kernel {
            fn shader(&self) -> &'static $crate::engine::Shader {
                &SHADER
            }

            fn params(&self) -> &[u8] {
                bytemuck::bytes_of(self)
            }

            fn domain(&self, output: $crate::engine::Extent) -> $crate::engine::Domain {
                let Self { $($($field),+),* } = *self;
                $($crate::engine::Domain::rows(output, f64::from(output.columns) * $operations))?
                $({
                    let $output = output;
                    $domain
                })?
            }

            fn shapes(&self) -> Vec<[u32; 2]> {
                let Self { $($($field),+),* } = *self;
                vec![
                    $($($crate::kernel!(@words $read_type $(, $read_rows, $read_columns)?),)+)?
                    $($($crate::kernel!(@words $write_type, $write_rows, $write_columns),)+)?
                    $($($crate::kernel!(@words u64, $sum_rows, $sum_columns)),+)?
                ]
            }

            fn twin(
                &self,
                block: &$crate::engine::Block,
                reads: &[&[u32]],
                writes: &mut [&mut [u32]],
                sums: &[$crate::engine::Sums<'_>],
            ) {
                // The planner has counted them.
                if let (&[$($($read),+)?], [$($($write),+)?], &[$($($sum),+)?]) = (reads, writes, sums) {
                    twin(
                        self,
                        block,
                        $($(bytemuck::cast_slice::<u32, $read_type>($read),)+)?
                        $($(bytemuck::cast_slice_mut::<u32, $write_type>($write),)+)?
                        $($($sum),+)?
                    );
                }
            }
        }
    };
    (@source $room:ident/$stem:ident) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", stringify!($room), "/", stringify!($stem), ".wgsl"))
    };
    (@storage $name:ident $type:ty as $wgsl:literal) => {
        $crate::engine::Storage { name: stringify!($name), element: $wgsl, access: $crate::engine::Access::Rows }
    };
    (@storage $name:ident $type:ty) => {
        $crate::kernel!(@storage $name $type, rows)
    };
    (@storage $name:ident $type:ty, $kind:ident $(($window:expr))?) => {
        $crate::engine::Storage {
            name: stringify!($name),
            element: <$type as $crate::engine::ShaderValue>::WGSL,
            access: $crate::kernel!(@access $kind $(($window))?),
        }
    };
    (@storage $name:ident) => {
        $crate::engine::Storage { name: stringify!($name), element: "atomic<u32>", access: $crate::engine::Access::Sums }
    };
    (@access anywhere ($bindings:expr)) => { $crate::engine::Access::Anywhere($bindings) };
    (@access $kind:ident $(($window:expr))?) => { $crate::engine::Access::Rows };
    (@workgroup $wide:expr, $high:expr) => { [$wide, $high, 1] };
    (@workgroup $wide:expr, $high:expr, $deep:expr) => { [$wide, $high, $deep] };
    (@words $type:ty) => { [0, 0] };
    (@words $type:ty, $rows:tt, $columns:tt) => {
        [$crate::kernel!(@count $rows), $crate::kernel!(@count $columns) * (size_of::<$type>() / size_of::<u32>()) as u32]
    };
    (@shape $rows:tt, $columns:tt) => { [$crate::kernel!(@count $rows), $crate::kernel!(@count $columns)] };
    (@count _) => { 0 };
    (@count $count:expr) => { $count };
}
