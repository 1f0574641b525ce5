internal import Fabric
internal import HTTPTypes

/// Finds who answers a request.
struct Router: Sendable {
    /// Whoever can be asked, in order.
    let endpoints: [Endpoint]

    private struct Entry: Sendable {
        let pattern: [Part]
        let endpoint: Endpoint

        enum Part: Sendable {
            case word(String)
            case any(String)
        }

        init(_ endpoint: Endpoint) {
            self.endpoint = endpoint
            pattern = endpoint.pattern.map { part in
                part.hasPrefix("{") ? .any(String(part.dropFirst().dropLast())) : .word(String(part))
            }
        }

        /// What the segments stand for; nil where they are not this one's.
        func captures(_ segments: [String]) -> [String: String]? {
            guard segments.count == pattern.count else { return nil }
            var captures: [String: String] = [:]
            for (part, segment) in zip(pattern, segments) {
                switch part {
                case .word(let word): if !word.utf8.elementsEqual(segment.utf8) { return nil }
                case .any(let name): captures[name] = segment
                }
            }
            return captures
        }
    }

    /// The entries by the number of their parts.
    private let entries: [Int: [Entry]]

    init(_ endpoints: [Endpoint]) {
        self.endpoints = endpoints
        entries = Dictionary(grouping: endpoints.map(Entry.init)) { $0.pattern.count }
    }

    /// The endpoint for a request, and what the parts in braces stand for.
    ///
    /// - Throws: 404 where there is nothing, 405 where there is something for other methods.
    func find(
        _ method: HTTPRequest.Method, _ segments: [String]
    ) throws(HubFault) -> (endpoint: Endpoint, captures: [String: String]) {
        var others: [String] = []
        for entry in entries[segments.count] ?? [] {
            guard let captures = entry.captures(segments) else { continue }
            // Whatever can be got can be asked for without its body.
            if entry.endpoint.method == method || (method == .head && entry.endpoint.method == .get) {
                return (entry.endpoint, captures)
            }
            others.append(entry.endpoint.method.rawValue)
        }
        guard !others.isEmpty else { throw HubFault.nothingHere }
        throw HubFault(.methodNotAllowed, "Method Not Allowed").with(.allow, others.joined(separator: ", "))
    }
}
