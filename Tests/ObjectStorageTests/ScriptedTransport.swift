import Synchronization

@testable import ObjectStorage

/// A transport that gives the answers of a script and records requests and pauses.
final class ScriptedTransport: HTTPTransport {
    private struct State {
        var answers: [Result<HTTPResponse, ObjectStorageError>]
        var requests: [HTTPRequest] = []
        var pauses: [Duration] = []
    }

    private let state: Mutex<State>

    init(_ answers: [Result<HTTPResponse, ObjectStorageError>]) {
        state = Mutex(State(answers: answers))
    }

    var requests: [HTTPRequest] { state.withLock(\.requests) }
    var pauses: [Duration] { state.withLock(\.pauses) }

    func send(_ request: HTTPRequest) async throws(ObjectStorageError) -> HTTPResponse {
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answers.isEmpty
                ? .failure(.unavailable("nothing is left to say")) : state.answers.removeFirst()
        }
        return try answer.get()
    }

    var retries: RetryPolicy {
        RetryPolicy(
            jitter: { 1 },
            pause: { [self] pause in state.withLock { $0.pauses.append(pause) } })
    }
}

extension Result<HTTPResponse, ObjectStorageError> {
    static func answer(_ status: Int, _ body: String = "") -> Self {
        .success(HTTPResponse(status: status, body: Array(body.utf8)))
    }
}
