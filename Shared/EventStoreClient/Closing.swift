/// Returns the result of `body`, and runs `close` after it, even if it throws.
public func closing<Result>(
    _ close: () async -> Void, after body: () async throws -> Result
) async throws -> Result {
    do {
        let result = try await body()
        await close()
        return result
    } catch {
        await close()
        throw error
    }
}
