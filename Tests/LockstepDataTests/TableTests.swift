import LockstepData
import LockstepTesting
import Testing

@Suite("Tables of text")
struct TableTests {
    private func load(
        _ text: String, label: LabelColumn = .first, scale: Double? = nil, shuffle: TableShuffle? = nil,
        validation: Int? = 0, test: Int? = 0, testText: String? = nil
    ) throws -> Dataset {
        let folder = try TemporaryFolder()
        let path = try folder.write(text: text, to: "table.csv")
        var files = TableFiles(
            path: path, label: label, scale: scale, shuffle: shuffle, validation: validation, test: test)
        if let testText {
            files.testPath = try folder.write(text: testText, to: "test.csv")
            files.test = nil
        }
        return try DataSource.table(files).load(cache: DataCache(directory: folder.path))
    }

    /// The error of a table that must be refused, from the file's name on.
    private func refusal(
        _ text: String, label: LabelColumn = .first, scale: Double? = nil, shuffle: TableShuffle? = nil,
        validation: Int? = 0, test: Int? = 0, testText: String? = nil
    ) throws -> String {
        let error = try dataError {
            try load(
                text, label: label, scale: scale, shuffle: shuffle, validation: validation, test: test,
                testText: testText)
        }
        return error?.description.replacing(/^.*?\/(?=(table|test)\.csv)/, with: "") ?? "not refused"
    }

    private func values(_ dataset: Dataset) -> [Float] {
        let count = dataset.layout.sampleCount
        return [Float](unsafeUninitializedCapacity: count * dataset.description.inputSize) { buffer, filled in
            if let base = buffer.baseAddress { dataset.gather(0..<count, into: base) }
            filled = buffer.count
        }
    }

    private func labels(_ dataset: Dataset) -> [Int] { (0..<dataset.layout.sampleCount).map(dataset.label(of:)) }

    @Test(
        "separators, headers, quotes, blanks, line ends and empty lines are told by themselves",
        arguments: [
            "1,0.5,-2\n0,1e1,.25\n", "1,0.5,-2\n0,1e1,.25", "label,a,b\n1,0.5,-2\n0,1e1,.25\n",
            "1;0.5;-2\r\n0;1e1;.25\r\n", "1\t0.5\t-2\n0\t1e1\t.25\n", "\n\n1,0.5,-2\n\n\r\n0,1e1,.25\n\n",
            "\u{FEFF}label,0,1\n1, 0.5 ,-2\n 0,1e1,.25 \n",
            "\"a, b\";\"say \"\"x\"\"\";c\n\"1\";\"0.5\" ;-2\n0;1e1;\".25\"",
            ",a,b\n1,0.5,-2.000\n0,+10,2.5E-1\n",
            "1;0,5;-2\n0;1e1;,25\n", "1\t0,5\t-2\n0\t10\t,25\n", "1  0.5 -2 \n0 1e1   .25\n\n",
            "label;a;b\n1;0,5;-2,0\n0;10,0;0,25\n",
        ])
    func dialects(text: String) throws {
        let dataset = try load(text, scale: 1)
        #expect(values(dataset) == [0.5, -2, 10, 0.25])
        #expect(labels(dataset) == [1, 0])
        #expect(dataset.description.element == .float32 && dataset.description.inputSize == 2)
        #expect(dataset.description.name == "table.csv" && dataset.description.classCount == 2)
    }

    @Test("the label's column is the first one, the last one, one by number or one by name")
    func labelColumn() throws {
        let text = "a,class,b\n3,1,4\n5,0,6\n"
        for label in [LabelColumn.number(2), .named("class")] {
            let dataset = try load(text, label: label, scale: 1)
            #expect(values(dataset) == [3, 4, 5, 6])
            #expect(labels(dataset) == [1, 0])
        }
        let last = try load(text, label: .last, scale: 1)
        #expect(values(last) == [3, 1, 5, 0])
        #expect(labels(last) == [0, 1])
        #expect(last.description.classNames == ["4", "6"])
        #expect(try load(text).description.classNames == ["3", "5"])
        #expect(
            try refusal(text, label: .named("clas"))
                == "table.csv, line 1: no column is called 'clas'; there are a, class, b")
        #expect(
            try refusal("1,2\n", label: .named("x"))
                == "table.csv, line 1: its first line holds no names; give the columns in data by their numbers, counted "
                + "from 1")
        #expect(try refusal(text, label: .number(4)) == "table.csv, line 1: it has no column 4; choose 1 to 3")
        #expect(LabelColumn("0") == nil && LabelColumn("-1") == nil)
        for label in [LabelColumn.first, .last, .number(3), .named("a b")] { #expect(LabelColumn(label.text) == label) }
    }

    @Test("a table of pixels is divided by 255 and stored as bytes: the same data set as in IDX files")
    func pixels() throws {
        let fixture = IDXFixture.small
        func table(_ images: [UInt8], _ labels: [UInt8]) -> String {
            labels.enumerated().map { index, label in
                ([label] + images[16 + index * 6..<22 + index * 6]).map(String.init).joined(separator: ",")
            }.joined(separator: "\n")
        }
        let training = table(fixture.images, Array(fixture.labels.dropFirst(8)))
        let test = table(fixture.testImages, Array(fixture.testLabels.dropFirst(8)))
        let dataset = try load(
            training, shuffle: .never, validation: 2, testText: "label,1x1,1x2,1x3,2x1,2x2,2x3\n" + test)
        let expected = try fixture.load(validation: 2)
        #expect(dataset.description.sha256 == expected.description.sha256)
        #expect(dataset.description.element == .uint8)
        #expect(dataset.indices(of: .validation) == 4..<6 && dataset.indices(of: .test) == 6..<8)
        // With an explicit scale, or a value that is not a byte, the values are floats.
        #expect(try load(training, scale: 1).description.element == .float32)
        #expect(try load(training, scale: 255).description.element == .uint8)
        #expect(try values(load("0,255\n1,128.5\n", scale: 1)) == [255, 128.5])
        #expect(try values(load("0,255\n1,128.5\n", scale: 255)) == [1, 128.5 / 255])
        // Flags and counts are no pixels.
        #expect(try load("0,0\n1,1\n2,127\n").description.element == .float32)
        #expect(try values(load("0,0\n1,1\n2,128\n")) == [0, 1 as Float * (1 / 255), 128 as Float * (1 / 255)])
    }

    @Test("by default the last sixth is for the test and the sixth before it for validation")
    func splits() throws {
        let text = (0..<14).map { "\($0 % 2),\($0)\n" }.joined()
        let dataset = try load(text, scale: 1, validation: nil, test: nil)
        #expect(dataset.indices(of: .training) == 0..<10)
        #expect(dataset.indices(of: .validation) == 10..<12)
        #expect(dataset.indices(of: .test) == 12..<14)
        #expect(values(dataset) == (0..<14).map(Float.init))
        let chosen = try load(text, validation: 3, test: 4)
        #expect(chosen.indices(of: .training) == 0..<7 && chosen.indices(of: .test) == 10..<14)
        let two = try load(text, scale: 1, validation: nil, testText: "1,100\n")
        #expect(two.indices(of: .validation) == 12..<14 && two.indices(of: .test) == 14..<15)
        #expect(values(two).last == 100)
        #expect(
            try refusal(text, validation: 7, test: 7)
                == "table.csv: of its 14 samples, 7 for validation and 7 for the test leave none to train with; set "
                + "data.validation and data.test lower")
        #expect(try refusal(text, validation: -1).contains("-1 for validation"))
        #expect(
            try refusal("0,1\n0,2\n1,3\n1,4\n2,5\n2,6\n", shuffle: .never, validation: 1, test: 1)
                == "table.csv: class 2 occurs only among its last 2 samples, which are set aside; set data.shuffle to true, or "
                + "data.validation and data.test lower")
    }

    @Test("gzipped tables are read, and their damage is reported")
    func gzipped() throws {
        let folder = try TemporaryFolder()
        let content = gzip(Array("label,x\n0,1\n1,2\n".utf8))
        func load(_ bytes: [UInt8]) throws -> Dataset {
            let path = try folder.write(bytes, to: "table.csv.gz")
            return try DataSource.table(TableFiles(path: path, scale: 1)).load(cache: DataCache(directory: folder.path))
        }
        #expect(values(try load(content)) == [1, 2])
        let error = try dataError { try load(Array(content.dropLast(9))) }
        guard case .damagedGzip = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    private static func notANumber(_ text: String, _ line: Int, _ column: Int) -> String {
        "line \(line), column \(column): '\(text)' is not a number, as most fields of its column are; correct it, put ? or "
            + "nothing where a value is missing, or list the column in data.categories or data.ignore"
    }

    @Test(
        "what is wrong is told with file, line, column and remedy",
        arguments: [
            ("0,1\n1,x\n", notANumber("x", 2, 2)),
            ("0;1,5\n1;1,5,5\n", notANumber("1,5,5", 2, 2)),
            ("0,1\n\n1,2\n0,2\n1,y\n0,x\n", notANumber("y", 5, 2)),
            ("0,1\n1,2,3\n", "line 2: 3 fields, where the first line has 2; give every line a label and all values"),
            ("0,1,2\n1,2\n", "line 2: 2 fields, where the first line has 3; give every line a label and all values"),
            ("0\n1\n", "line 1: only one column; put commas, semicolons or tabs between the label and the values"),
            ("0,1\n,1\n", "line 2, column 1: the label is missing; fill it in, or remove the line"),
            ("0,1\n?,1\n", "line 2, column 1: the label is missing; fill it in, or remove the line"),
            ("0,1\n1,1e39\n", "line 2, column 2: '1e39' is too large for float32"),
            ("0,1\n1,inf\n", notANumber("inf", 2, 2)),
            ("0,1\n1,\"2\n", "line 2, column 2: a quoted field that does not end on its line"),
            ("0,1\n1,\"2\"3\n", "line 2, column 2: bytes after a field's closing quote"),
            ("0,1\n1,\u{0}2\n", "line 2, column 2: a zero byte, which is not text; save it as UTF-8"),
            ("0,1\n1,a\u{1B}b\n", notANumber(#"a\u{1B}b"#, 2, 2)),
        ])
    func faults(text: String, message: String) throws {
        #expect(try refusal(text) == "table.csv, " + message)
    }

    @Test("labels that begin at 0 are the classes' numbers, however they are written")
    func labelNumbers() throws {
        #expect(labels(try load("0.0,1\n3.000000e+00,1\n65535,1\n", scale: 1)) == [0, 3, 65_535])
        for label in ["0.5", "65536", "1e9"] {
            let message = try refusal("0,1\n\(label),1\n")
            #expect(message.contains("'\(label)'"), "\(message)")
        }
    }

    @Test("empty files, endless fields and test files of another size are refused")
    func sizes() throws {
        for text in ["", "\n\n", "label,x\n", "\u{FEFF}"] {
            #expect(try refusal(text) == "table.csv: the file holds no samples")
        }
        let long = String(repeating: "1", count: 1_025)
        #expect(try refusal("1,2\n0,\(long)\n") == "table.csv, line 2, column 2: a field of more than 1024 bytes")
        #expect(try refusal("1,2\n0," + String(long.dropLast())).contains("too large for float32"))
        #expect(
            try refusal("0,1\n1,2\n", testText: "0,1,2\n")
                == "test.csv: samples of 2 values, those for training have 1; give files that belong together")
        #expect(try refusal("0,1\n1,2\n", testText: "0,x\n1,2\n").hasPrefix("test.csv, line 1, column 2"))
        let wide = String(repeating: "0,", count: 1 << 20)
        #expect(try load(wide + "0\n").description.inputSize == 1 << 20)
        #expect(
            try refusal(wide + "0,0\n") == "table.csv: the number of columns is 1048578, the limit is 1048577")
        #expect(try refusal("0,1e30\n1,1\n", scale: 1e-20).contains("column 2 has the value 1e+30, which is too large"))
    }

    @Test("numbers are the nearest float32, as the standard library reads them")
    func numbers() throws {
        var random = SplitMix64(seed: 11)
        var texts = [
            "0", "-0", "1.", ".5", "16777217", "0.1", "1e-45", "7e-46", "3.4028235e38", "1e10", "1e-10", "1e11",
        ]
        for _ in 0..<3_000 {
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if float.isFinite { texts.append("\(float)") }
            let digits = String(random.next(), radix: 10).prefix(Int.random(in: 1...20, using: &random))
            let point = Int.random(in: 0...digits.count, using: &random)
            let exponent = Int.random(in: -30...17, using: &random)
            texts.append("\(digits.prefix(point)).\(digits.dropFirst(point))0000e\(exponent)")
        }
        let lines = texts.enumerated().map { "\($0 % 2),\($1)\n" }.joined()
        let dataset = try load(lines, scale: 1)
        for (text, value) in zip(texts, values(dataset)) {
            let expected = try #require(Float(text), "\(text)")
            #expect(value.bitPattern == expected.bitPattern, "\(text)")
        }
        for text in ["-", ".", "e5", "1e", "1e+", "0x10", "inf", "infinity", "1 2", "1_000", "--1", "1.2.3", "1f"] {
            #expect(try refusal("0,1\n1,\(text)\n").contains("line 2"), "\(text)")
        }
    }

    @Test("flipped bits give a data set or an error of one line, never anything else")
    func flippedBits() throws {
        let text = "label;\"a\";b\r\n0;1.5e1;-2\r\n1;\"3\";4.25\n2;5;6\n0;7;8\n"
        var random = SplitMix64(seed: 5)
        for _ in 0..<3_000 {
            var bytes = Array(text.utf8)
            for _ in 0...Int.random(in: 0...2, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            let folder = try TemporaryFolder()
            let path = try folder.write(bytes, to: "t.csv")
            let error = try dataError {
                try DataSource.table(TableFiles(path: path, label: .first)).load(
                    cache: DataCache(directory: folder.path))
            }
            #expect(error?.description.contains("\n") != true)
        }
    }
}
