internal import Glibc

/// How many files and connections the process may have open.
enum OpenFileLimit {
    /// Raises the limit as far as this user may, up to what `count` connections and the files beside them need.
    ///
    /// - Returns: The limit that holds now.
    @discardableResult
    static func raise(for count: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        let wanted = rlim_t(count + 512)
        if limit.rlim_cur < wanted {
            limit.rlim_cur = min(limit.rlim_max, wanted)
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            _ = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }
}
