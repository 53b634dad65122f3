/// A service whose entities can be queried by id.
public protocol EntityService: NamedService {
    /// The fields of one entity, as the service shows it.
    associatedtype Entity: FieldView

    /// The query for one entity by its id.
    static var entity: ServiceQuery<Self, String, Entity> { get }
}
