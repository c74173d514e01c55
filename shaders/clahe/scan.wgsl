// Prefix sums over the invocations of a workgroup.

var<workgroup> sums: array<u32, WORKGROUP_WIDE>;

// Sum over this invocation and those before it; the sum over all is left in the last element.
fn scan(thread: u32, value: u32) -> u32 {
    workgroupBarrier();
    sums[thread] = value;
    workgroupBarrier();
    for (var reach = 1u; reach < WORKGROUP_WIDE; reach *= 2u) {
        let before = select(0u, sums[max(thread, reach) - reach], thread >= reach);
        workgroupBarrier();
        sums[thread] += before;
        workgroupBarrier();
    }
    return sums[thread];
}
