import LockstepCostModel
import LockstepModel
import LockstepNumerics
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
        #expect(model.contention > 0 && model.fetch >= 0)
        // 20 x 7 weights and 7 biases, 7 x 4 and 4.
        #expect(model.parameterBytes == 4 * (147 + 32) && model.lastSegmentShare == 147.0 / 179)
        #expect(model.cores == Host.coreCount)
        let rounded = try self.calibration(batch: 12, samples: 120, dataType: .bfloat16).measure().model
        #expect(rounded.parameterBytes == 2 * 179)
    }

    @Test("Two threads compute shards of a step at the same time, and every step begins with new weights")
    func sharedSteps() throws {
        let run = try ThreadCluster.prepare(shards: 2, batch: 12, samples: 120)
        let weights = FloatBuffer(count: run.layout.count)
        run.model.initialize(seed: 1, into: weights)
        let first = Array(weights.buffer)
        var seen: [Float] = []
        let trial = try SharedStepTrial(run, rows: 6, weights: weights)
        let times = trial.measure(within: 0) { old, sum, new in
            seen.append(old[0])
            for index in 0..<run.layout.count { new[index] = old[index] + 1 }
        }
        #expect(seen == [first[0], first[0] + 1, first[0] + 2])
        // Without a second core the threads may never meet.
        if let times { #expect(times.compute > 0 && times.reduce > 0) }
    }
}
