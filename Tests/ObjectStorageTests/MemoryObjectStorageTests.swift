import ObjectStorage
import Testing

@Suite struct `Memory object storage` {
    @Test func `Memory storage passes the conformance tests`() async throws {
        try await expectConformance(of: MemoryObjectStorage())
    }
}
