import LockstepCostModel
import LockstepSystem
import LockstepTraining
import Testing

@testable import LockstepRuntime

@Suite("Calibration of the cost model")
struct CalibrationTests {
    private func calibration(batch: Int, samples: Int, dataType: CommunicationDataType = .float32) throws -> Calibration
    {
        let run = try ThreadCluster.prepare(shards: 2, batch: batch, samples: samples, dataType: dataType)
        return try Calibration(run: run, within: 0)
    }

    @Test(
        "Blocks from a mini-batch's 32nd part up to the largest are timed, each twice as large as the one before",
        arguments: [
            (12, 120, [1, 2, 4, 8, 16, 32, 64, 120]), (64, 64, [2, 4, 8, 16, 32, 64]),
            (320, 3_000, [10, 20, 40, 80, 160, 320, 640, 1_024]), (1, 1, [1]),
        ])
    func sizes(batch: Int, samples: Int, expected: [Int]) throws {
        #expect(try calibration(batch: batch, samples: samples).sizes == expected)
    }

    @Test("Without any time each part is timed once, and messages cost nothing")
    func model() throws {
        let calibration = try calibration(batch: 12, samples: 120)
        let model = try calibration.measure().model
        #expect(model.compute.fixed >= 0 && model.compute.each > 0)
        #expect(model.addition > 0 && model.update > 0)
        #expect(model.messages.fixed == 0 && model.messages.each == 0)
        // 20 x 7 weights and 7 biases, 7 x 4 and 4.
        #expect(model.parameterBytes == 4 * (147 + 32) && model.lastSegmentShare == 147.0 / 179)
        #expect(model.cores == Host.coreCount)
        let rounded = try self.calibration(batch: 12, samples: 120, dataType: .bfloat16).measure().model
        #expect(rounded.parameterBytes == 2 * 179)
    }
}
