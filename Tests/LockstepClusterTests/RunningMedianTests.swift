import LockstepCluster
import LockstepTesting
import Testing

@Suite("The median of the last steps")
struct RunningMedianTests {
    @Test("It is the lower middle one of the measurements of the last steps, as sorting them all shows")
    func againstSorting() {
        var random = SplitMix64(seed: 7)
        var median = RunningMedian(window: 8, capacity: 20)
        var all: [(step: UInt64, value: Double)] = []
        #expect(median.value == nil)
        for step in UInt64(0)..<300 {
            if step == 150 {
                median = RunningMedian(window: 8, capacity: 20)
                all = []
            }
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let value = Double(Int.random(in: 0...9, using: &random))
                median.add(value, step: step)
                all.append((step, value))
                let counted = all.filter { $0.step + 8 > step }.suffix(20).map(\.value).sorted()
                #expect(median.value == counted[(counted.count - 1) / 2])
            }
        }
    }
}
