import EventSourcing
import EventStoreClient
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct `Queue of appends` {
    @Test func `Concurrent appends share a message, which is retried if its answer is lost`()
        async throws
    {
        let store = try await Store(isProxied: true)
        let (client, proxy) = (try await store.client(), try #require(store.proxy))
        await proxy.lose(.appendedMany)
        let stream = try StreamName("s-1")
        // Of the appends that require a new stream, one succeeds.
        let positions = await withTaskGroup(of: UInt64?.self) { group in
            for number in 1...50 {
                group.addTask(executorPreference: store.clientLoop) {
                    let condition: AppendCondition =
                        number <= 10 ? .stream(stream, .noStream) : .any
                    return try? await client.append([event(number)], condition).last
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let head = try await client.welcome().head
        #expect(positions.compactMap { $0 }.sorted() == Array(1...head))
        #expect(head == 40 || head == 41)
        // The message whose answer was lost was sent again unchanged.
        let sent = try #require(await proxy.messages[.appendMany]).map { $0.dropFirst() }
        #expect(Set(sent).count < sent.count)
        await client.close()
    }

    @Test func `Concurrent appends with large conditions travel in several messages`()
        async throws
    {
        let store = try await Store(isProxied: true)
        let (client, proxy) = (try await store.client(), try #require(store.proxy))
        let names = (0..<1000).map { "category\($0)-\(String(repeating: "x", count: 80))" }
        let none = AppendCondition(noneMatching: .init(.categories(names), after: 0))
        await withTaskGroup(of: Bool.self) { group in
            for number in 1...20 {
                group.addTask(executorPreference: store.clientLoop) {
                    do {
                        _ = try await client.append([event(number)], none)
                        return true
                    } catch {
                        // Such conditions are costly. But the store has got and answered it.
                        return (error as? any ClassifiedError)?.kind == .overloaded
                    }
                }
            }
            for await isAnswered in group { #expect(isAnswered) }
        }
        // Two conditions of about 95 KB fit into a message.
        #expect(try #require(await proxy.messages[.appendMany]).count >= 7)
        await client.close()
    }
}
