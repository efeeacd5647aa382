import Lockstep
import LockstepTesting
import Testing

@Suite("A data set from a table of text")
struct TableSamplesTests {
    @Test("has the values and labels of the table, in the requested splits")
    func table() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(text: "a,kind,b\n10,0,20\n30,1,40\n50,0,60\n70,1,80\n", to: "t.csv")
        let samples = try Dataset(csv: path, label: .named("kind"), scale: 10, validation: 1, test: 1)
        #expect(Dataset.Split.allCases.map { samples.count(of: $0) } == [2, 1, 1])
        #expect(samples.inputSize == 2 && samples.classCount == 2)
        #expect(try samples.sample(1, of: .training) == ([3, 4], 1))
        #expect(try samples.sample(0, of: .test) == ([7, 8], 1))
        let tested = try Dataset(csv: path, testPath: path, label: .number(2), scale: 1, validation: 0)
        #expect(Dataset.Split.allCases.map { tested.count(of: $0) } == [4, 0, 4])
        #expect(try tested.sample(3, of: .test) == ([70, 80], 1))
    }

    @Test("is refused with the place of the fault, or with an impossible scale")
    func faults() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(text: "0,1\n1,x\n", to: "t.csv")
        let error = #expect(throws: LockstepError.self) { try Dataset(csv: path, label: .first) }
        #expect(error?.kind == .data && error?.description.contains("t.csv, line 2, column 2") == true)
        for scale in [0, -1, .nan, .infinity] as [Double] {
            #expect(throws: LockstepError.self) { try Dataset(csv: path, scale: scale) }
        }
    }
}
