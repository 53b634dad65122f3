import EventSourcing
import EventStoreClient
import Synchronization
import Testing
import WireProtocol

@Suite struct `Requests that are repeated` {
    @Test func `A request is repeated after temporary errors only`() async throws {
        let errors: [any ClassifiedError] = [
            ProtocolError(.overloaded, "a"), ProtocolError(.unavailable, "b"),
            DaybookError(.unavailable, "c"), DaybookError(.rejected, "d"),
        ]
        var attempts = 0
        var noted: [String] = []
        let error = await #expect(throws: DaybookError.self) {
            try await retrying(
                noting: { noted.append($0.description) },
                {
                    attempts += 1
                    throw errors[attempts - 1]
                })
        }
        #expect(error?.kind == .rejected && attempts == 4 && noted == ["a", "b", "c"])
    }

    @Test func `A cancelled request is not repeated`() async throws {
        let attempts = Mutex(0)
        let asking = Task {
            try await retrying(noting: { Issue.record("noted \($0)") }) {
                attempts.withLock { $0 += 1 }
                // Safe, because the task is not kept. It must be cancelled before the pause.
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                throw DaybookError(.unavailable, "no answer")
            }
        }
        await #expect(throws: CancellationError.self) { try await asking.value }
        #expect(attempts.withLock(\.self) == 1)
    }
}
