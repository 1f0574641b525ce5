public import Fabric
internal import HTTPServing

/// Why a hub cannot be started, or its store not be copied.
public struct HubError: ExplainedError, Equatable {
    public let category: FailureCategory
    public let explanation: String
    public let remedy: String?

    private init(_ category: FailureCategory, _ explanation: String, remedy: String?) {
        self.category = category
        self.explanation = explanation
        self.remedy = remedy
    }

    /// A hub that checks nothing was to listen where others can reach it.
    static func openOnNetwork(_ host: String) -> HubError {
        HubError(
            .configuration, "an open hub checks nothing, and '\(host)' can be reached by other machines",
            remedy: "leave out --open, bind 127.0.0.1, or give --open-to-the-network as well")
    }

    /// A hub on the network without a name: requests signed for another hub would be good here.
    static func unnamed(_ host: String) -> HubError {
        HubError(
            .configuration,
            "'\(host)' can be reached by other machines, and the hub has no name that signed requests can be for",
            remedy: "give --name HOST, the name that clients use, or a certificate with names")
    }

    /// The store cannot be used.
    static func store(_ error: StoreError) -> HubError {
        HubError(error.category, error.explanation, remedy: error.remedy)
    }

    /// Nothing can be served.
    static func serving(_ error: ServingFailure) -> HubError {
        HubError(error.category, error.explanation, remedy: error.remedy)
    }

    /// A hub can be started once.
    static let startedBefore = HubError(.software, "this hub was started before", remedy: nil)

    /// What is in PostgreSQL has tools of its own.
    static let notCopied = HubError(
        .configuration, "a store in PostgreSQL is not copied by tcd", remedy: "use pg_dump, which works while hubs run")
}
