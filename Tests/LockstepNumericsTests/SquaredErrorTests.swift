import LockstepNumerics
import Testing

@Suite("The quadratic cost of a linear layer")
struct SquaredErrorTests {
    @Test("is half the squared distance of each row, and its errors are the differences")
    func values() {
        let outputs: [Float] = [1, 2, -3, 0.5]
        let targets: [Float] = [0, 4, -3, 1]
        var delta = [Float](repeating: 9, count: 4)
        #expect(squaredError(outputs: outputs, targets: targets, rows: 2, count: 2, delta: &delta) == 2.5 + 0.125)
        #expect(delta == [1, -2, 0, -0.5])
        #expect(squaredError(outputs: outputs, targets: targets, rows: 4, count: 1, delta: nil) == 2.625)
        let nan: [Float] = [.nan]
        #expect(squaredError(outputs: nan, targets: nan, rows: 1, count: 1, delta: nil).isNaN)
    }
}
