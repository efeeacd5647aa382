import ZeroMQ

/// The endpoints that a worker's link tries one after the other, each over all its families.
struct EndpointRotation {
    private let first: Endpoint
    /// Further endpoints, which may change; asked again in each round.
    private let others: () -> [Endpoint]
    private let mayChange: Bool
    private var places: [(endpoint: Endpoint, family: Endpoint.Family)]
    private var index = 0

    /// - Parameters:
    ///   - first: Tried first.
    ///   - others: Tried after it.
    ///   - mayChange: Whether `others` may give other endpoints later.
    init(_ first: Endpoint, _ others: @escaping () -> [Endpoint] = { [] }, mayChange: Bool = false) {
        self.first = first
        self.others = others
        self.mayChange = mayChange
        places = Self.places([first] + others())
    }

    /// What to connect to now.
    var endpoint: Endpoint { places[index].endpoint }
    var family: Endpoint.Family { places[index].family }

    /// Whether there is anything else to try.
    var hasChoice: Bool { mayChange || places.count > 1 }
    /// Whether there is another endpoint to try, or may be later.
    var hasOtherEndpoints: Bool { mayChange || places.contains { $0.endpoint != first } }

    /// Goes on to the next place.
    mutating func advance() {
        index += 1
        guard index == places.count else { return }
        places = Self.places([first] + others())
        index = 0
    }

    private static func places(_ endpoints: [Endpoint]) -> [(Endpoint, Endpoint.Family)] {
        var known: Set<Endpoint> = []
        let different = endpoints.filter { known.insert($0).inserted }
        return different.flatMap { endpoint in endpoint.families.map { (endpoint, $0) } }
    }
}
