/// A service that shows entities by their ids.
public protocol EntityService: NamedService {
    associatedtype Entity: FieldView

    static var entity: ServiceQuery<Self, String, Entity> { get }
}
