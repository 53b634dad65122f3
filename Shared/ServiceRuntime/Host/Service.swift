import CallServer
public import EventSourcing

/// A service, as a declaration.
///
/// ``ServiceHost`` runs it. The commands of its executable follow from it, too.
public protocol Service: SendableMetatype {
    /// The aggregate that decides the service's commands.
    associatedtype Subject: Reversible
    /// The projection that the service's queries read.
    associatedtype ReadProjection: Projection where ReadProjection.Model: StoredModel
    /// The settings of a process of the service, which it gets when it starts.
    associatedtype Settings: Sendable = NoSettings

    /// The name of the executable, of the endpoint, of the folder, and of the queue of the saga
    /// participant.
    static var name: String { get }
    /// The commands that callers may send.
    static var commands: [ServiceCommand<Subject>] { get }
    /// The queries that the service answers.
    static var queries: [any AnsweredQuery<Self>] { get }

    /// Returns the service's saga participant. The default is nil: the service reacts to no events.
    ///
    /// - Throws: an error that prevents the start, for example for unusable settings.
    static func participant(_ settings: Settings) throws -> SagaParticipant?
}

extension Service {
    /// A saga participant that sends its commands to the service's aggregate.
    public typealias SagaParticipant = any Participant<Subject.Command>

    /// None.
    public static var commands: [ServiceCommand<Subject>] { [] }
    /// None.
    public static func participant(_ settings: Settings) -> SagaParticipant? { nil }
}

/// A service whose entities can be queried by id.
public protocol EntityService: Service {
    /// The fields of one entity, as the service shows it.
    associatedtype Entity: FieldView

    /// The query for one entity by its id. It is one of ``Service/queries``.
    static var entity: ServiceQuery<Self, String, Entity> { get }
}

/// The settings of a service that has none.
public struct NoSettings: Codable, Sendable {
    /// Creates the settings.
    public init() {}
}

/// A command that callers may send to a service.
public struct ServiceCommand<Subject: Aggregate>: Sendable {
    let answer: @Sendable (CallServer, Repository<Subject>) async -> Void

    /// Creates a command.
    ///
    /// - Parameters:
    ///   - name: the name of the call that carries the message.
    ///   - command: returns the aggregate's command for a message.
    public init<Message: Codable & Sendable>(
        _ name: String, _ command: @escaping @Sendable (Message) -> Subject.Command
    ) {
        answer = { server, repository in
            await server.command(name) { (message: Message, cause) in
                try await repository.execute(command(message), cause)
            }
        }
    }
}
