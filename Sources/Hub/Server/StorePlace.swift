internal import SystemPackage

extension HubConfiguration {
    private static func isURL(_ text: String) -> Bool {
        text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
    }

    /// What a text means as a place for a store.
    static func location(_ text: String) -> StoreLocation {
        isURL(text) ? .postgres(text) : .file(FilePath(text))
    }

    var storeLocation: StoreLocation { Self.location(store) }

    /// The kind of the store, in a word.
    var storeKind: String { Self.isURL(store) ? "postgresql" : "sqlite" }

    /// The store as it may be shown: a URL without its user and password, and without parameters.
    public var storeName: String {
        guard Self.isURL(store) else { return store }
        let rest = store.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "?" }
        let afterUser = rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest
        return "postgres://" + afterUser
    }

    var storeConfiguration: StoreConfiguration {
        var configuration = StoreConfiguration()
        configuration.openChannelsPerAgent = limits.openChannels
        configuration.blobPiece = limits.piece
        configuration.unreferencedBlobRetention = limits.blobAge
        configuration.unproven = limits.unproven
        configuration.closedChannelRetention = limits.closedChannelAge
        return configuration
    }
}
