import LockstepNumerics
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite("Float buffer")
struct FloatBufferTests {
    @Test("is zero and aligned to 64 bytes", arguments: [0, 1, 7, 1024, 23_860])
    func zeros(count: Int) {
        let buffer = FloatBuffer(count: count)
        #expect(buffer.count == count)
        #expect(buffer.buffer.count == count)
        #expect(buffer.buffer.allSatisfy { $0 == 0 })
        #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
    }

    @Test("untouched pages cost no memory")
    func untouched() {
        let buffer = FloatBuffer(count: 1 << 28)
        let pages = (1 << 30) / 4096
        var resident = [UInt8](repeating: 1, count: pages)
        #expect(mincore(buffer.pointer, 1 << 30, &resident) == 0)
        #expect(resident.allSatisfy { $0 & 1 == 0 })
        buffer.pointer[1 << 20] = 1
        #expect(mincore(buffer.pointer, 1 << 30, &resident) == 0)
        #expect(resident.contains { $0 & 1 == 1 })
    }

    @Test("memory that the system refuses ends the process with one line, not with a trap")
    func refused() async {
        let result = await #expect(processExitsWith: .exitCode(71), observing: [\.standardErrorContent]) {
            _ = FloatBuffer(count: 1 << 50)
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.hasPrefix("lockstep: cannot map 4503599627370496 bytes of memory: "), "\(text)")
    }

    @Test("over other memory it keeps the owner alive as long as itself")
    func foreign() {
        final class Owner {}
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 4)
        defer { memory.deallocate() }
        memory.initialize(repeating: 2)
        weak var owner: Owner?
        do {
            let strong = Owner()
            owner = strong
            let buffer = FloatBuffer(memory: memory, owner: strong)
            #expect(buffer.pointer == memory.baseAddress)
            #expect(buffer.buffer.reduce(0, +) == 8)
            withExtendedLifetime(buffer) { #expect(owner != nil) }
        }
        #expect(owner == nil)
        #expect(memory[3] == 2)
    }
}
