import EventSourcing
import TestSupport
import Testing
import WireProtocol

@Suite struct `Decoding of frames` {
    @Test func `Decoding random bytes does not trap`() {
        var generator = SplitMix(state: 42)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                // Mostly small bytes, because decoding fails at once on large lengths.
                UInt8.random(in: 0...(Bool.random(using: &generator) ? 3 : 255), using: &generator)
            }
            _ = try? AppendCondition(bytes[...])
            _ = try? ReadRequest(bytes[...])
            _ = try? MessageHeader(bytes.span)
            _ = try? RecordedEvent(bytes[...])
            _ = try? AppendPart.read(bytes.span)
            _ = try? AppendOutcomes.read(bytes.span)
            _ = ProtocolError(bytes.span)
        }
    }
}
