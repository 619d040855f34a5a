"""Training that outlives the page: a store on disk, worker processes that train, and the service a page talks to."""
