import LockstepSharding
import Testing

@Suite struct ChunkLayoutTests {
    @Test("Chunks cover the segments in order, each within one", arguments: [1, 2, 3, 7, 64, 262_144])
    func partition(maximum: Int) {
        let segments = [0..<10, 10..<11, 11..<11, 11..<75, 80..<87]
        let layout = ChunkLayout(segments: segments, maximumElements: maximum)
        for (index, segment) in segments.enumerated() {
            let chunks = layout.chunks[layout.chunks(ofSegment: index)]
            #expect(chunks.flatMap(\.range) == Array(segment))
            #expect(chunks.dropLast().allSatisfy { $0.range.count == maximum })
            #expect(chunks.allSatisfy { $0.segment == index && $0.offset == $0.range.lowerBound - segment.lowerBound })
            #expect(chunks.allSatisfy { $0.offset.isMultiple(of: maximum) && !$0.range.isEmpty })
        }
        #expect(layout.chunks.count == segments.map { ($0.count + maximum - 1) / maximum }.reduce(0, +))
    }

    @Test("The wide network's first layer is four chunks, the last one short")
    func wideNetwork() {
        let layout = ChunkLayout(segments: [0..<785_000, 785_000..<1_786_000, 1_786_000..<1_796_010])
        #expect(layout.chunks(ofSegment: 0) == 0..<3)
        #expect(layout.chunks(ofSegment: 1) == 3..<7)
        #expect(layout.chunks(ofSegment: 2) == 7..<8)
        #expect(layout.chunks[2].range == 524_288..<785_000)
        #expect(layout.chunks[3].range == 785_000..<1_047_144)
        #expect(layout.chunks[6].offset == 786_432)
    }

    @Test("A part of a chunk is found by its segment, offset and size, and nothing else is one")
    func part() {
        let layout = ChunkLayout(segments: [0..<10, 10..<10, 10..<14], maximumElements: 4)
        var found: [ChunkPart] = []
        for segment in -1...4 {
            for offset in -4...12 {
                for count in -1...6 {
                    guard let part = layout.part(segment: segment, offset: offset, count: count) else { continue }
                    found.append(part)
                    let chunk = layout.chunks[part.chunk]
                    #expect(chunk.segment == segment && part.chunkElements == chunk.range.count)
                    #expect(part.elements == offset - chunk.offset..<offset - chunk.offset + count)
                }
            }
        }
        // A chunk of n elements has n (n + 1) / 2 parts.
        #expect(found.count == 10 + 10 + 3 + 10 && Set(found).count == found.count)
        #expect(found.filter(\.isWhole).map(\.chunk) == [0, 1, 2, 3])
        #expect(found.allSatisfy { $0.isLast == ($0.elements.upperBound == $0.chunkElements) })
        for chunk in layout.chunks.indices { #expect(found.contains(layout.whole(chunk))) }
        for extreme in [Int.min, .max] {
            #expect(layout.part(segment: extreme, offset: 0, count: 4) == nil)
            #expect(layout.part(segment: 0, offset: extreme, count: 4) == nil)
            #expect(layout.part(segment: 0, offset: 0, count: extreme) == nil)
        }
    }
}
